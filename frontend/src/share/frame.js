/** The map drawn for a picture: at another size and place than on the screen, where what one sees stays in sight meanwhile. */
import { getCenter } from 'ol/extent.js';

import * as api from '../api.js';
import { element } from '../dom.js';
import { t } from '../i18n.js';

/** @typedef {import('ol/Map.js').default} OlMap */
/** @typedef {import('ol/extent.js').Extent} Extent */
/** @typedef {{extent: Extent, width: number, height: number}} Frame extent: EPSG:3857; pixels are square */

// Tiles of a larger picture may have to be asked for.
const PATIENCE_MS = 60_000;

/** @type {WeakSet<OlMap>} */
const elsewhere = new WeakSet();

/** Whether the map is drawn for a picture just now, and its view is not the visitor's. @param {OlMap} map */
export const isElsewhere = (map) => elsewhere.has(map);

/** What is on the screen, `scale` times as fine. @param {OlMap} map @param {number} scale @returns {Frame} */
export function frameOfView(map, scale) {
  const [width, height] = map.getSize() ?? [1, 1];
  return { extent: map.getView().calculateExtent([width, height]), width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * A zone with a little around it.
 *
 * @param {Extent} zone EPSG:3857
 * @param {number} long_px of the long side
 * @param {number} least_m finest pixel, EPSG:3857 metres: a small zone makes a small picture
 * @returns {Frame}
 */
export function frameOfZone([left, bottom, right, top], long_px, least_m) {
  const pixel_m = Math.max(Math.max(right - left, top - bottom) / (long_px - 16), least_m);
  const [width, height] = [right - left, top - bottom].map((side) => Math.ceil(side / pixel_m) + 16);
  const [x, y] = getCenter([left, bottom, right, top]);
  const [halfWidth, halfHeight] = [(width * pixel_m) / 2, (height * pixel_m) / 2];
  return { extent: [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight], width, height };
}

/** EPSG:3857 metres. @param {Frame} frame */
export const pixelOf = ({ extent, width }) => (extent[2] - extent[0]) / width;

/**
 * The map as it looks in a frame, once all its tiles are there.
 *
 * @template T
 * @param {OlMap} map
 * @param {Frame} frame
 * @param {() => T} read what else is read of the map while it is in the frame
 * @returns {Promise<{canvas: HTMLCanvasElement, found: T}>}
 * @throws {api.ApiError} if tiles do not come
 */
export async function draw(map, frame, read) {
  const view = map.getView();
  const before = { size: map.getSize(), centre: view.getCenter(), resolution: view.getResolution(), maxZoom: view.getMaxZoom() };
  const still = drawn(map, before.size ?? [1, 1]);
  still.className = 'still';
  map.getTargetElement()?.after(still);
  elsewhere.add(map);
  try {
    // Twice as fine as the finest view is one level more.
    view.setMaxZoom(before.maxZoom + 2);
    map.setSize([frame.width, frame.height]);
    view.setCenter(getCenter(frame.extent));
    view.setResolution(pixelOf(frame));
    await complete(map);
    return { canvas: drawn(map, [frame.width, frame.height]), found: read() };
  } finally {
    map.setSize(before.size);
    view.setMaxZoom(before.maxZoom);
    view.setCenter(before.centre);
    view.setResolution(before.resolution);
    map.renderSync();
    elsewhere.delete(map);
    still.remove();
  }
}

/** @param {OlMap} map */
function complete(map) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new api.ApiError({ detail: t('tilesFailed'), status: 0, type: 'tiles-missing' })), PATIENCE_MS);
    map.once('rendercomplete', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    map.render();
  });
}

/**
 * The map as it is drawn at the moment, one pixel for each of its own; transparent where nothing is.
 *
 * @param {OlMap} map
 * @param {number[]} size
 */
export function drawn(map, [width, height]) {
  const canvas = element('canvas', { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  // On a screen of several pixels to one, some are left out: a mixture of two would be of no class.
  context.imageSmoothingEnabled = false;
  for (const layer of map.getTargetElement()?.querySelectorAll('canvas') ?? []) {
    if (layer.width === 0) continue;
    context.setTransform(new DOMMatrix(layer.style.transform));
    context.drawImage(layer, 0, 0);
  }
  return canvas;
}
