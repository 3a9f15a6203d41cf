/** The zone of the page: drawn, imported or from a link; its place on the map, its area against the limit, the one before it. */
import { fromLonLat } from 'ol/proj.js';

import { zoneArea_m2 } from './area.js';
import { byId, say } from './dom.js';
import { createGauge } from './gauge.js';
import { areaText, t } from './i18n.js';
import { Z_INDEX } from './map.js';
import { createOutlines } from './outlines.js';
import { ringsOf } from './ring.js';
import { viewZone } from './viewzone.js';
import { linkOfZone, zoneOfLink } from './zonelink.js';
import { recalled, remember } from './zonememory.js';
import { zoneLook } from './zonestyle.js';
import { createZoneTools } from './zonetools.js';

/** @typedef {import('./api.js').Zone} Zone */

/** Of a zone, until the service has told its own limit. */
const MOST_VERTICES = 10_000;

/**
 * Rings of a zone in the map's projection.
 *
 * @param {Zone} zone
 * @returns {import('ol/coordinate.js').Coordinate[][]} EPSG:3857
 */
export function mapRings(zone) {
  return ringsOf(zone).map((ring) => ring.map((lonLat) => fromLonLat(lonLat)));
}

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {(zone: Zone | null, link: string | null) => void} options.onChange link: what `follow` takes; null for no zone, or
 *   for one too large for a link
 * @param {(drawing: boolean) => void} options.onDrawing
 * @param {(text: string) => void} options.announce
 */
export function createZone(map, { onChange, onDrawing, announce }) {
  const errorSlot = byId('zone-error', HTMLElement);
  const clearButton = byId('clear-zone', HTMLButtonElement);
  const editButton = byId('edit-zone', HTMLButtonElement);
  const bringBackButton = byId('bring-back', HTMLButtonElement);
  const withoutZone = byId('share-without-zone', HTMLElement);
  const gauge = createGauge(byId('zone-gauge', HTMLElement));
  const outlines = createOutlines(map, Z_INDEX.zone);

  /** @type {Zone | null} */
  let zone = null;
  /** @type {Zone | null} the one that was replaced or cleared */
  let before = null;
  /** @type {Zone | null} what is outlined on the map */
  let shown = null;
  let changing = false;
  /** @type {import('./zonetools.js').Limits} */
  const limits = { area_m2: null, vertices: MOST_VERTICES, grid: undefined };

  const tools = createZoneTools(map, {
    zone: () => zone,
    limits: () => limits,
    onZone: set,
    onWork(work) {
      if (work) say(errorSlot, '');
      changing = work === 'edit';
      render();
      onDrawing(work !== null);
    },
    announce,
  });

  /** @param {Zone | null} next */
  function set(next) {
    before = zone;
    zone = next;
    show(next);
    clearButton.hidden = editButton.hidden = next === null;
    bringBackButton.hidden = before === null;
    measure();
    remember('zone', next);
    const link = next && linkOfZone(next);
    withoutZone.hidden = next === null || link !== null;
    onChange(next, link);
  }

  function measure() {
    if (zone) gauge.show(zoneArea_m2(zone, limits.grid), limits.area_m2);
    else gauge.clear();
  }

  /** @param {Zone | null} shape */
  function show(shape) {
    if (shape === shown) return;
    shown = shape;
    render();
  }

  function render() {
    // Being changed, it is shown as it is going to be, by what changes it.
    outlines.show({ look: zoneLook, rings: shown && !changing ? mapRings(shown) : [] });
  }

  /** @param {Zone | null} next */
  function replace(next) {
    tools.stop();
    set(next);
  }

  /** Makes the view the zone, unless it is too large for one. */
  function takeView() {
    const next = viewZone(map);
    const area_m2 = zoneArea_m2(next, limits.grid);
    if (limits.area_m2 !== null && area_m2 > limits.area_m2) {
      say(errorSlot, t('viewTooLarge', { area: areaText(area_m2), limit: areaText(limits.area_m2) }));
      return;
    }
    replace(next);
    announce(t('announceZone', { area: areaText(area_m2) }));
  }

  /** Takes the zone of another link; one without a zone says nothing of it. @param {string | null} link */
  function follow(link) {
    if (link === (zone && linkOfZone(zone))) return;
    const linked = link === null ? null : zoneOfLink(link);
    if (linked) set(linked);
    else onChange(zone, zone && linkOfZone(zone));
  }

  byId('take-view', HTMLButtonElement).addEventListener('click', takeView);
  clearButton.addEventListener('click', () => {
    replace(null);
    bringBackButton.focus();
  });
  bringBackButton.addEventListener('click', () => {
    replace(before);
    (bringBackButton.hidden ? clearButton : bringBackButton).focus();
  });

  return {
    get: () => zone,
    /** Puts a zone in place of the one there is, or of the one being drawn. @param {Zone} next */
    replace,
    takeView,
    /** Outlines a zone on the map that is not (or no longer) the one being asked for. */
    show,
    /** The zone from before the page was loaded; then that of the link, if it has one. @param {string | null} link */
    recall(link) {
      const kept = recalled('zone');
      if (kept) set(kept);
      if (link !== null) follow(link);
    },
    follow,
    /** @param {{aoi_km2: number, aoi_vertices: number}} largest */
    setLimits({ aoi_km2, aoi_vertices }) {
      limits.area_m2 = aoi_km2 * 1e6;
      limits.vertices = aoi_vertices;
      measure();
    },
    mostVertices: () => limits.vertices,
    /** The grid of the imagery chosen. @param {number | undefined} epsg */
    setGrid(epsg) {
      limits.grid = epsg;
      measure();
    },
    /** The server's figure, which should be our own. @param {number} area_m2 @param {number} limit_km2 */
    showMeasured: (area_m2, limit_km2) => gauge.show(area_m2, limit_km2 * 1e6),
    /**
     * @param {string} message empty to accept
     * @param {boolean} [measurable] false for a zone without an area to speak of, such as one that crosses itself
     */
    refuse(message, measurable = true) {
      say(errorSlot, message);
      if (zone && !measurable) gauge.clear();
    },
  };
}

/** @typedef {ReturnType<typeof createZone>} ZoneControl */
