/** What the view is made of, counted from the pixels that are drawn. */
import { toLonLat } from 'ol/proj.js';

import { number, t } from './i18n.js';

/** @typedef {{counts: Uint32Array, ground_m: number, exact: boolean}} Count ground_m: side of a pixel on the ground */

// Tiles are nearest neighbours of full resolution, so a pixel of theirs may be a little larger than the data's.
const AS_FINE = 1.1;
const HALF_CERTAIN = 128;

// Of stillness: a view that moves is not counted at each step.
const COUNT_AFTER_MS = 120;

// Of CoSIA, where a collection does not tell its own.
const RESOLUTION_M = 0.2;

/**
 * @param {{counts: Uint32Array, pixel_m: number}} counted EPSG:3857 metres
 * @param {number} lat degrees
 * @param {number} resolution_m of the data
 * @returns {Count}
 */
export function countOf({ counts, pixel_m }, lat, resolution_m) {
  const ground_m = pixel_m * Math.cos((lat * Math.PI) / 180);
  return { counts, ground_m, exact: isExact(ground_m, resolution_m) };
}

/** Whether tiles show every pixel of the data. @param {number} ground_m @param {number} [resolution_m] of the data */
export const isExact = (ground_m, resolution_m = RESOLUTION_M) => ground_m <= AS_FINE * resolution_m;

/** @param {Count} count */
function mappedPixels({ counts }) {
  return counts.reduce((sum, pixels, value) => (value === 0 ? 0 : sum + pixels), 0);
}

/**
 * Of what is mapped in the view, 0-1.
 *
 * @param {Count} count
 * @param {readonly number[]} values
 */
export function shareOf(count, values) {
  const mapped = mappedPixels(count);
  return mapped === 0 ? 0 : values.reduce((sum, value) => sum + count.counts[value], 0) / mapped;
}

/** Of the view, 0-1. @param {Count} count */
export function mappedShare(count) {
  const mapped = mappedPixels(count);
  return mapped === 0 ? 0 : mapped / (mapped + count.counts[0]);
}

/** A little is not nothing, and almost everything is not everything. @param {number} share 0-1 */
export function shareText(share) {
  const percent = { style: /** @type {const} */ ('percent'), minimumFractionDigits: share === 0 || share === 1 ? 0 : 1, maximumFractionDigits: 1 };
  if (share > 0 && share < 0.001) return `< ${number(0.001, percent)}`;
  if (share > 0.999 && share < 1) return `> ${number(0.999, percent)}`;
  return number(share, percent);
}

/**
 * How far the shares can be trusted.
 *
 * @param {Count} count
 * @param {import('./look.js').Style} style
 */
export function sharesNote(count, style) {
  const mapped = mappedShare(count);
  if (mapped === 0) return t('sharesNone');
  const sentences = [count.exact ? t('sharesExact') : t('sharesCoarse', { size: sizeText(count.ground_m) })];
  if (mapped < 0.9995) sentences.push(t('sharesMapped', { share: shareText(mapped) }));
  if (style === 'confidence') sentences[0] = t('sharesUncertain', { share: shareText(uncertainShare(count)) });
  return sentences.join(' ');
}

/** The share in which the other classes together are likelier than the one that is shown. @param {Count} count */
function uncertainShare(count) {
  return shareOf(count, Array.from({ length: HALF_CERTAIN - 1 }, (_, i) => i + 1));
}

/** @param {number} metres */
export function sizeText(metres) {
  return `${number(metres, { maximumSignificantDigits: 2 })} m`;
}

/**
 * Counts the view whenever it has come to rest, all its tiles drawn.
 *
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {() => import('./classes.js').ClassLayer | null} options.layer
 * @param {() => number | undefined} options.resolution_m of the layer's data
 * @param {(count: Count | null) => void} options.onCount
 */
export function createViewCount(map, { layer, resolution_m, onCount }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  function count() {
    const view = map.getView();
    const [centre, resolution] = [view.getCenter(), view.getResolution()];
    const counted = centre && resolution && layer()?.countsIn(view.calculateExtent(map.getSize()), resolution);
    onCount(counted ? countOf(counted, toLonLat(centre)[1], resolution_m() ?? RESOLUTION_M) : null);
  }

  map.on('rendercomplete', () => {
    clearTimeout(waiting);
    waiting = setTimeout(count, COUNT_AFTER_MS);
  });
}
