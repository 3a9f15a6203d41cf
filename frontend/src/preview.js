/** A prediction on the map: what of it is there so far, and in the end its result. */
import * as api from './api.js';
import { createClassLayer } from './classes.js';
import { clip } from './clip.js';
import { Z_INDEX } from './map.js';
import { mapRings } from './zone.js';

/** @typedef {import('./api.js').Job} Job */

// Blocks computed earlier arrive all at once: their tiles are asked for together.
const REFRESH_MS = 400;

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {() => Uint32Array<ArrayBuffer>} options.colours
 * @param {(layer: import('./classes.js').ClassLayer | null, job: Job | null) => void} options.onLayer a prediction came on, or left, the map
 * @param {(error: unknown) => void} options.onTileError
 */
export function createPreview(pageMap, { colours, onLayer, onTileError }) {
  /** @type {import('./classes.js').ClassLayer | null} */
  let layer = null;
  /** @type {number[] | null} */
  let changed = null;
  let opacity = 1;

  /** @param {import('./classes.js').ClassLayer | null} next @param {Job | null} job */
  function replace(next, job) {
    const before = layer;
    layer = next;
    if (next && job) {
      next.layer.setOpacity(opacity);
      clip(next.layer, pageMap.map, mapRings(job.aoi), 'inside');
      pageMap.map.addLayer(next.layer);
    }
    if (before) {
      pageMap.map.removeLayer(before.layer);
      before.dispose();
    }
    if (before || next) onLayer(next, job);
  }

  return {
    /** @param {Job} job @param {AbortSignal} signal */
    async show(job, signal) {
      const tiles = await api.getTileJson(api.previewTileJsonAddress(job.jobID), signal);
      const next = createClassLayer({
        template: tiles.tiles[0],
        minZoom: tiles.minzoom ?? 0,
        maxZoom: tiles.maxzoom ?? 19,
        bbox: tiles.bounds ?? job.bbox,
        zIndex: Z_INDEX.prediction,
        side: 'left',
        colours: colours(),
        onError: onTileError,
      });
      replace(next, job);
    },

    /** Takes it from the map. */
    clear() {
      changed = null;
      replace(null, null);
    },

    /** Asks anew for what shows a place. @param {number[]} bbox west, south, east, north */
    refresh(bbox) {
      if (changed) {
        changed = union(changed, bbox);
        return;
      }
      changed = bbox;
      setTimeout(() => {
        if (changed) layer?.reload(changed);
        changed = null;
      }, REFRESH_MS);
    },

    /** @param {number} share 0-1 */
    setOpacity(share) {
      opacity = share;
      layer?.layer.setOpacity(share);
    },
  };
}

/**
 * @param {number[]} a west, south, east, north
 * @param {number[]} b
 */
function union(a, b) {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}
