/** The zone to predict: drawn or imported, its place on the map, its area against the limit. Kept over a reload. */
import GeoJSON from 'ol/format/GeoJSON.js';
import VectorLayer from 'ol/layer/Vector.js';
import { toLonLat } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';

import { ringArea_m2, zoneArea_m2 } from './area.js';
import { byId, say } from './dom.js';
import { createDrawing } from './draw.js';
import { createGauge } from './gauge.js';
import { areaText, t } from './i18n.js';
import { Z_INDEX } from './map.js';
import { counterClockwise } from './ring.js';
import { zoneStyle } from './zonestyle.js';

/** @typedef {import('./api.js').Zone} Zone */

const MEMORY = 'cosia.zone';
const GEOJSON = new GeoJSON({ dataProjection: 'EPSG:4326', featureProjection: 'EPSG:3857' });

// 10⁻⁷ degree is a centimetre.
const DECIMALS = 7;

/**
 * Rings of a zone in the map's projection.
 *
 * @param {Zone} zone
 * @returns {import('ol/coordinate.js').Coordinate[][]} EPSG:3857
 */
export function mapRings(zone) {
  const coordinates = /** @type {any} */ (GEOJSON.readGeometry(zone)).getCoordinates();
  return zone.type === 'Polygon' ? coordinates : coordinates.flat();
}

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {(zone: Zone | null) => void} options.onChange
 * @param {(drawing: boolean) => void} options.onDrawing
 * @param {(text: string) => void} options.announce
 */
export function createZone(map, { onChange, onDrawing, announce }) {
  const drawbar = byId('drawbar', HTMLElement);
  const hint = byId('draw-hint', HTMLElement);
  const errorSlot = byId('zone-error', HTMLElement);
  const polygonButton = byId('draw-polygon', HTMLButtonElement);
  const rectangleButton = byId('draw-rectangle', HTMLButtonElement);
  const clearButton = byId('clear-zone', HTMLButtonElement);
  const undoButton = byId('draw-undo', HTMLButtonElement);
  const finishButton = byId('draw-finish', HTMLButtonElement);
  const drawGauge = createGauge(byId('draw-gauge', HTMLElement));
  const zoneGauge = createGauge(byId('zone-gauge', HTMLElement));
  const source = new VectorSource();
  map.addLayer(new VectorLayer({ source, style: zoneStyle, zIndex: Z_INDEX.zone }));

  /** @type {Zone | null} */
  let zone = null;
  /** @type {Zone | null} what is outlined on the map */
  let shown = null;
  /** @type {number | null} largest area allowed, once the service has told it */
  let limit_m2 = null;
  /** @type {number | undefined} EPSG code of the grid that areas are measured in */
  let grid;

  const drawing = createDrawing(map, {
    onChange(sketch) {
      const text = sketchHint(sketch);
      // Only when it changes: the hint is read out.
      if (hint.textContent !== text) hint.textContent = text;
      undoButton.disabled = sketch.vertices.length === 0;
      finishButton.disabled = !sketch.canFinish;
      const ring = sketch.ring(true).map((coordinate) => toLonLat(coordinate));
      drawGauge.show(ringArea_m2(ring, grid), limit_m2);
    },
    onFinish(ring) {
      ended();
      const lonLat = ring.map((coordinate) => toLonLat(coordinate).map((degree) => Number(degree.toFixed(DECIMALS))));
      set({ type: 'Polygon', coordinates: [counterClockwise(lonLat)] });
      announce(t('announceZone', { area: areaText(ringArea_m2(lonLat, grid)) }));
    },
    onCancel: ended,
  });

  /** @param {import('./sketch.js').Shape} shape */
  function begin(shape) {
    drawbar.hidden = false;
    byId('stage', HTMLElement).classList.add('drawing');
    say(errorSlot, '');
    drawing.start(shape);
    onDrawing(true);
    map.getTargetElement()?.focus({ preventScroll: true });
  }

  function ended() {
    // A hidden button keeps no focus: give it back to where the drawing began.
    const hadFocus = drawbar.contains(document.activeElement);
    drawbar.hidden = true;
    if (hadFocus) polygonButton.focus();
    byId('stage', HTMLElement).classList.remove('drawing');
    onDrawing(false);
  }

  /** @param {Zone | null} next */
  function set(next) {
    zone = next;
    show(next);
    clearButton.hidden = next === null;
    measure();
    remember(next);
    onChange(next);
  }

  function measure() {
    if (zone) zoneGauge.show(zoneArea_m2(zone, grid), limit_m2);
    else zoneGauge.clear();
  }

  /** @param {Zone | null} shape */
  function show(shape) {
    if (shape === shown) return;
    shown = shape;
    source.clear();
    if (shape) source.addFeatures(GEOJSON.readFeatures(shape));
  }

  polygonButton.addEventListener('click', () => begin('polygon'));
  rectangleButton.addEventListener('click', () => begin('rectangle'));
  clearButton.addEventListener('click', () => {
    set(null);
    polygonButton.focus();
  });
  byId('draw-place', HTMLButtonElement).addEventListener('click', drawing.placeAtCentre);
  byId('draw-cancel', HTMLButtonElement).addEventListener('click', drawing.cancel);
  undoButton.addEventListener('click', drawing.undo);
  finishButton.addEventListener('click', drawing.finish);

  return {
    get: () => zone,
    /** Puts a zone in place of the one there is, or of the one being drawn. @param {Zone} next */
    replace(next) {
      drawing.cancel();
      set(next);
    },
    /** Outlines a zone on the map that is not (or no longer) the one being asked for. */
    show,
    recall: () => set(recalled()),
    /** @param {number} largest_m2 */
    setLimit(largest_m2) {
      limit_m2 = largest_m2;
      measure();
    },
    /** The grid of the imagery chosen. @param {number | undefined} epsg */
    setGrid(epsg) {
      grid = epsg;
      measure();
    },
    /** The server's figure, which should be our own. @param {number} area_m2 @param {number} limit_km2 */
    showMeasured: (area_m2, limit_km2) => zoneGauge.show(area_m2, limit_km2 * 1e6),
    /**
     * @param {string} message empty to accept
     * @param {boolean} [measurable] false for a zone without an area to speak of, such as one that crosses itself
     */
    refuse(message, measurable = true) {
      say(errorSlot, message);
      if (zone && !measurable) zoneGauge.clear();
    },
  };
}

/** @typedef {ReturnType<typeof createZone>} ZoneControl */

/** @param {import('./sketch.js').Sketch} sketch */
function sketchHint(sketch) {
  if (sketch.shape === 'rectangle') return sketch.vertices.length === 0 ? t('hintRectangleStart') : t('hintRectangle');
  if (sketch.canFinish) return t('hintPolygonFinish');
  return sketch.vertices.length === 0 ? t('hintPolygonStart') : t('hintPolygon');
}

/** @param {Zone | null} zone */
function remember(zone) {
  try {
    if (zone) sessionStorage.setItem(MEMORY, JSON.stringify(zone));
    else sessionStorage.removeItem(MEMORY);
  } catch {
    // storage forbidden by the visitor's settings: the zone lasts as long as the page
  }
}

/** @returns {Zone | null} */
function recalled() {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY) ?? 'null');
  } catch {
    return null;
  }
}
