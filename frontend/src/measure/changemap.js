/** The changes between two layers on the map, in place of their classes. */
import { toLonLat } from 'ol/proj.js';

import * as api from '../api.js';
import { Z_INDEX } from '../map.js';
import { collectionBbox } from '../published.js';
import { isExact } from '../shares.js';
import { createChangeLayer } from './changelayer.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('./changelayer.js').Passage} Passage */
/**
 * How they are painted. key: changes with whatever changes the colours; colours: of the later classes; opacity: 0-1.
 *
 * @typedef {{key: string, colours: () => import('../look.js').ColourTable, only: Passage | null, opacity: number}} Painting
 */

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {() => void} options.onLoaded
 * @param {(error: unknown) => void} options.onError the layers could not be had
 * @param {(error: unknown) => void} options.onTileError
 */
export function createChangeMap(map, { onLoaded, onError, onTileError }) {
  /** @type {import('./changelayer.js').ChangeLayer | null} */
  let shown = null;
  let key = '';
  /** @type {Painting | null} the latest, which may come while the layers are awaited */
  let painting = null;
  let loading = new AbortController();

  function clear() {
    loading.abort();
    if (shown) map.removeLayer(shown.layer);
    shown?.dispose();
    shown = null;
  }

  /** @param {Collection} collection @param {AbortSignal} signal */
  async function tilesOf(collection, signal) {
    const { tiles, minzoom = 0, maxzoom = 19 } = await api.getTileJson(api.tileJsonAddress(collection.id), signal);
    return { template: tiles[0], minZoom: minzoom, maxZoom: maxzoom };
  }

  return {
    isShown: () => shown !== null,
    retry: () => shown?.retry(),

    /** Side of what is drawn as one pixel, m on the ground; null where every pixel is drawn. @param {Collection} from */
    coarse_m(from) {
      const [centre, resolution] = [map.getView().getCenter(), map.getView().getResolution()];
      if (!shown || !centre || !resolution) return null;
      const ground_m = shown.pixel_m(resolution) * Math.cos((toLonLat(centre)[1] * Math.PI) / 180);
      return isExact(ground_m, from['cosia:resolution_m']) ? null : ground_m;
    },

    /** @param {[Collection, Collection] | null} pair null: no changes @param {Painting} next */
    async show(pair, next) {
      const repainted = painting?.key !== next.key;
      painting = next;
      const nextKey = pair ? pair.map(({ id, 'cosia:version': version }) => `${id} ${version}`).join() : '';
      if (nextKey === key) {
        if (repainted) shown?.repaint(next.colours(), next.only);
        shown?.layer.setOpacity(next.opacity);
        return;
      }
      key = nextKey;
      clear();
      if (!pair) return;
      loading = new AbortController();
      const { signal } = loading;
      try {
        const [before, after] = await Promise.all(pair.map((collection) => tilesOf(collection, signal)));
        if (signal.aborted) return;
        const [a, b] = pair.map(collectionBbox);
        const bbox = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
        const { colours, only, opacity } = painting;
        shown = createChangeLayer({ before, after, bbox, zIndex: Z_INDEX.changes, colours: colours(), only, onError: onTileError });
        shown.layer.setOpacity(opacity);
        map.addLayer(shown.layer);
        onLoaded();
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
    },
  };
}
