/** The published layers: which there are, and the one on the map. */
import * as api from './api.js';
import { createClassLayer } from './classes.js';
import { tableOf } from './look.js';
import { Z_INDEX } from './map.js';

/** @typedef {import('./api.js').Collection} Collection */
/** @typedef {import('./api.js').Legend} Legend */
/** @typedef {import('./look.js').Style} Style */
/** @typedef {import('./look.js').Choice} Choice */

/**
 * The layer one sees first: the newest vintage.
 *
 * @param {readonly Collection[]} collections
 */
export function newestCollection(collections) {
  const vintage = (/** @type {Collection} */ collection) => collection['cosia:vintage'] ?? Number.NEGATIVE_INFINITY;
  return collections.toSorted((a, b) => vintage(b) - vintage(a)).at(0);
}

/** West, south, east, north in degrees. @param {Collection} collection */
export function collectionBbox({ extent }) {
  return extent.spatial.bbox[0];
}

/** @typedef {ReturnType<typeof createPublished>} Published */

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {import('./swipe.js').Side} options.side of the divider
 * @param {(error: unknown) => void} options.onTileError
 */
export function createPublished(pageMap, { side, onTileError }) {
  /** @type {import('./classes.js').ClassLayer | null} */
  let classLayer = null;
  /** @type {{collection: Collection, legend: Legend, style: Style} | null} */
  let meaning = null;
  let loading = new AbortController();

  /** @param {import('./classes.js').ClassLayer | null} next */
  function replace(next) {
    const before = classLayer;
    classLayer = next;
    if (next) pageMap.map.addLayer(next.layer);
    if (before) {
      pageMap.map.removeLayer(before.layer);
      before.dispose();
    }
  }

  return {
    layer: () => classLayer,

    /** What the values of the layer are, once it is there. */
    meaning: () => meaning,

    /** Another look, without a request. @param {Choice} choice */
    paint(choice) {
      if (meaning) classLayer?.setColours(tableOf(meaning.legend, choice, meaning.style));
    },

    /** Takes the layer from the map. */
    clear() {
      loading.abort();
      meaning = null;
      replace(null);
    },

    /**
     * Puts a layer on the map in place of the one before; gives its legend, or null if another was asked for meanwhile.
     *
     * @param {Collection} collection
     * @param {Style} style
     * @param {() => Choice} choice
     * @returns {Promise<Legend | null>}
     */
    async load(collection, style, choice) {
      loading.abort();
      loading = new AbortController();
      const { signal } = loading;
      let answers;
      try {
        answers = await Promise.all([
          api.getTileJson(api.tileJsonAddress(collection.id), signal),
          api.getLegend(collection.id, signal),
        ]);
      } catch (error) {
        if (signal.aborted) return null;
        throw error;
      }
      const [tiles, legend] = answers;
      const next = createClassLayer({
        template: api.styledTemplate(tiles.tiles[0], style),
        minZoom: tiles.minzoom ?? 0,
        maxZoom: tiles.maxzoom ?? 19,
        bbox: tiles.bounds ?? collectionBbox(collection),
        zIndex: Z_INDEX.classes,
        side,
        colours: tableOf(legend, choice(), style),
        onError: onTileError,
      });
      meaning = { collection, legend, style };
      replace(next);
      return legend;
    },
  };
}
