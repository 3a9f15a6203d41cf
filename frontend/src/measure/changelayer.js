/**
 * A map layer of what changed: the class that a pixel has in the later layer where the earlier one has another; nothing
 * elsewhere. Both layers' tiles are kept as class values, so that colours and the passage shown change without a request.
 */
import { intersects } from 'ol/extent.js';
import TileLayer from 'ol/layer/Tile.js';
import { transformExtent } from 'ol/proj.js';
import ImageTile from 'ol/source/ImageTile.js';
import { createXYZ } from 'ol/tilegrid.js';

import { paintPixels } from '../look.js';
import { TILE_BITS, TILE_PX, tileValues } from '../tilevalues.js';

// Tiles kept: a 4K window and some more. 393 kB each (colours and the values of both layers).
const CACHED_TILES = 128;

/** @typedef {{template: string, minZoom: number, maxZoom: number}} Tiles address with {z}, {x}, {y}, Web Mercator */
/**
 * @typedef {object} ChangeTile
 * @property {import('ol/extent.js').Extent} extent EPSG:3857
 * @property {HTMLCanvasElement} canvas
 * @property {(Uint8Array | null)[]} values class values of both layers, the earlier ones first
 * @property {object | null} painted what the canvas was painted with
 */
/** @typedef {[number, number]} Passage class values: from, to */
/** @typedef {import('../look.js').ColourTable} ColourTable */
/** @typedef {ReturnType<typeof createChangeLayer>} ChangeLayer */

/**
 * The later value of each pixel that changed, 0 elsewhere and where either has no class.
 *
 * @param {Uint8Array | null} before class values, null for none at all
 * @param {Uint8Array | null} after
 * @param {Passage | null} only null: whatever changed
 */
export function changedValues(before, after, only) {
  const values = new Uint8Array(TILE_PX * TILE_PX);
  if (!before || !after) return values;
  for (let i = 0; i < values.length; i++) {
    const [from, to] = [before[i], after[i]];
    if (from !== to && from !== 0 && (only === null || (from === only[0] && to === only[1]))) values[i] = to;
  }
  return values;
}

/**
 * @param {object} options
 * @param {Tiles} options.before
 * @param {Tiles} options.after
 * @param {number[]} options.bbox west, south, east, north in degrees: nothing is asked for outside
 * @param {number} options.zIndex
 * @param {ColourTable} options.colours
 * @param {Passage | null} options.only
 * @param {(error: unknown) => void} options.onError a tile could not be had
 */
export function createChangeLayer({ before, after, bbox, zIndex, colours, only, onError }) {
  const tileGrid = createXYZ({
    minZoom: Math.max(before.minZoom, after.minZoom),
    maxZoom: Math.min(before.maxZoom, after.maxZoom),
    tileSize: TILE_PX,
  });
  let painting = { colours, only };
  // The layer's own cache decides how long a tile lives: canvas → tile is the only strong way to one.
  /** @type {WeakMap<HTMLCanvasElement, ChangeTile>} */
  const tileOfCanvas = new WeakMap();
  /** @type {Set<WeakRef<ChangeTile>>} */
  const tiles = new Set();

  /** @param {ChangeTile} tile */
  function paint(tile) {
    tile.painted = painting;
    const context = /** @type {CanvasRenderingContext2D} */ (tile.canvas.getContext('2d'));
    const image = context.createImageData(TILE_PX, TILE_PX);
    const [earlier, later] = tile.values;
    paintPixels(new Uint32Array(image.data.buffer), TILE_BITS, painting.colours, changedValues(earlier, later, painting.only));
    context.putImageData(image, 0, 0);
  }

  const source = new ImageTile({
    tileGrid,
    interpolate: false,
    transition: 0,
    wrapX: false,
    loader: async (z, x, y, { signal }) => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = TILE_PX;
      try {
        const values = await Promise.all([before, after].map(({ template }) => tileValues(template, z, x, y, signal)));
        /** @type {ChangeTile} */
        const tile = { extent: tileGrid.getTileCoordExtent([z, x, y]), canvas, values, painted: null };
        paint(tile);
        tileOfCanvas.set(canvas, tile);
        tiles.add(new WeakRef(tile));
        return canvas;
      } catch (error) {
        if (!signal.aborted) onError(error);
        throw error;
      }
    },
  });
  // The renderer takes a source that never changed for a new one: it would overlook the first `refresh`.
  source.changed();
  const layer = new TileLayer({
    source,
    zIndex,
    cacheSize: CACHED_TILES,
    extent: transformExtent(bbox, 'EPSG:4326', 'EPSG:3857'),
  });

  // Tiles are repainted when they are next drawn: those in view now, the others when they come into view.
  layer.on('prerender', ({ frameState }) => {
    for (const reference of tiles) {
      const tile = reference.deref();
      if (!tile) tiles.delete(reference);
      else if (tile.painted !== painting && frameState?.extent && intersects(tile.extent, frameState.extent)) paint(tile);
    }
  });

  return {
    layer,

    /** Side of a pixel of the tiles that are drawn, EPSG:3857 metres. @param {number} resolution of the view */
    pixel_m: (resolution) => tileGrid.getResolution(tileGrid.getZForResolution(resolution)),

    /** @param {ColourTable} nextColours @param {Passage | null} nextOnly */
    repaint(nextColours, nextOnly) {
      painting = { colours: nextColours, only: nextOnly };
      layer.changed();
    },

    /** Asks again for the tiles that could not be had. */
    retry: () => source.refresh(),

    dispose() {
      layer.dispose();
      source.dispose();
    },
  };
}
