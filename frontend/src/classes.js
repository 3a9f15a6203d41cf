/**
 * A map layer of class values.
 *
 * The palette index of each PNG tile is kept as what it is, the class value (or the confidence); pixels are painted from
 * it through a table of colours. Hiding a class, naming the one under the pointer and counting what is in view need no request.
 */
import { buffer, intersects } from 'ol/extent.js';
import TileLayer from 'ol/layer/Tile.js';
import { transformExtent } from 'ol/proj.js';
import ImageTile from 'ol/source/ImageTile.js';
import { createXYZ } from 'ol/tilegrid.js';

import { paintPixels } from './look.js';
import { TILE_BITS, TILE_PX, tileValues } from './tilevalues.js';
import { KEPT_TILES } from './tilememory.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

/**
 * @typedef {object} ClassTile
 * @property {number} z
 * @property {number} x
 * @property {number} y
 * @property {HTMLCanvasElement} canvas
 * @property {Uint8Array | null} indices class values, rows from the top; null where there is nothing
 * @property {Uint32Array | null} painted the colour table the canvas was painted with
 * @property {number} request number of the latest request for it, so that a late answer cannot replace a newer one
 */

/** @typedef {ReturnType<typeof createClassLayer>} ClassLayer */

/**
 * @param {object} options
 * @param {string} options.template address with {z}, {x}, {y}, Web Mercator
 * @param {number} options.minZoom
 * @param {number} options.maxZoom finer views enlarge these tiles, without interpolation
 * @param {number[]} options.bbox west, south, east, north in degrees: nothing is asked for outside
 * @param {number} options.zIndex
 * @param {import('./swipe.js').Side} options.side of the divider, when there is one
 * @param {import('./look.js').ColourTable} options.colours
 * @param {(error: unknown) => void} options.onError a tile could not be had
 */
export function createClassLayer({ template, minZoom, maxZoom, bbox, zIndex, side, colours, onError }) {
  const tileGrid = createXYZ({ minZoom, maxZoom, tileSize: TILE_PX });
  const removed = new AbortController();
  let version = 0;
  let table = colours;

  // The layer's own cache decides how long a tile lives: canvas → tile is the only strong way to one.
  /** @type {WeakMap<HTMLCanvasElement, ClassTile>} */
  const tileOfCanvas = new WeakMap();
  /** @type {Map<string, WeakRef<ClassTile>>} */
  const tiles = new Map();
  /** @type {FinalizationRegistry<{key: string, reference: WeakRef<ClassTile>}>} */
  const forgotten = new FinalizationRegistry(({ key, reference }) => {
    if (tiles.get(key) === reference) tiles.delete(key);
  });

  /** @param {ClassTile} tile */
  function remember(tile) {
    const key = `${tile.z}/${tile.x}/${tile.y}`;
    const reference = new WeakRef(tile);
    tileOfCanvas.set(tile.canvas, tile);
    tiles.set(key, reference);
    forgotten.register(tile, { key, reference });
  }

  function* liveTiles() {
    for (const reference of tiles.values()) {
      const tile = reference.deref();
      if (tile) yield tile;
    }
  }

  /**
   * @param {ClassTile} tile
   * @param {AbortSignal} signal
   */
  async function fill(tile, signal) {
    const request = ++tile.request;
    try {
      const indices = await tileValues(template, tile.z, tile.x, tile.y, signal, version);
      if (request !== tile.request) return;
      tile.indices = indices;
      paint(tile, table);
    } catch (error) {
      if (!signal.aborted) onError(error);
      throw error;
    }
  }

  const source = new ImageTile({
    tileGrid,
    interpolate: false,
    transition: 0,
    wrapX: false,
    loader: async (z, x, y, { signal }) => {
      const canvas = document.createElement('canvas');
      canvas.width = TILE_PX;
      canvas.height = TILE_PX;
      /** @type {ClassTile} */
      const tile = { z, x, y, canvas, indices: null, painted: null, request: 0 };
      remember(tile);
      await fill(tile, signal);
      return canvas;
    },
  });
  // The renderer takes a source that never changed for a new one: it would overlook the first `refresh`.
  source.changed();
  const layer = new TileLayer({
    source,
    zIndex,
    properties: { side },
    cacheSize: KEPT_TILES,
    extent: transformExtent(bbox, 'EPSG:4326', 'EPSG:3857'),
  });

  // Tiles are repainted when they are next drawn: those in view now, the others when they come into view.
  layer.on('prerender', ({ frameState }) => {
    if (!frameState?.extent) return;
    for (const tile of liveTiles()) {
      if (tile.painted !== table && intersects(tileExtent(tile), frameState.extent)) paint(tile, table);
    }
  });

  /** @param {ClassTile} tile */
  const tileExtent = ({ z, x, y }) => tileGrid.getTileCoordExtent([z, x, y]);

  return {
    layer,

    /** @param {import('./look.js').ColourTable} next */
    setColours(next) {
      table = next;
      layer.changed();
    },

    /**
     * The class value drawn at a place, 0 for nodata; null where no tile is loaded.
     *
     * @param {Coordinate} coordinate EPSG:3857
     * @param {number} resolution of the view, EPSG:3857 metres per pixel
     */
    valueAt(coordinate, resolution) {
      for (let z = tileGrid.getZForResolution(resolution); z >= minZoom; z--) {
        const [, x, y] = tileGrid.getTileCoordForCoordAndZ(coordinate, z);
        const tile = tiles.get(`${z}/${x}/${y}`)?.deref();
        if (!tile?.indices) continue;
        const [left, , , top] = tileExtent(tile);
        const column = Math.floor((coordinate[0] - left) / tileGrid.getResolution(z));
        const row = Math.floor((top - coordinate[1]) / tileGrid.getResolution(z));
        return tile.indices[Math.min(row, TILE_PX - 1) * TILE_PX + Math.min(column, TILE_PX - 1)];
      }
      return null;
    },

    /**
     * Pixels of each value in an extent, as they are drawn: those of tiles that are not loaded count as 0, nodata.
     *
     * @param {import('ol/extent.js').Extent} extent EPSG:3857
     * @param {number} resolution of the view, EPSG:3857 metres per pixel
     * @returns {{counts: Uint32Array, pixel_m: number}} pixel_m: EPSG:3857 metres, of the tiles that are drawn
     */
    countsIn(extent, resolution) {
      const z = tileGrid.getZForResolution(resolution);
      const pixel_m = tileGrid.getResolution(z);
      const [west, north] = tileGrid.getOrigin(z);
      const [left, right] = [extent[0], extent[2]].map((x) => Math.round((x - west) / pixel_m));
      const [top, bottom] = [extent[3], extent[1]].map((y) => Math.round((north - y) / pixel_m));
      const counts = new Uint32Array(256);
      for (let y = top >> TILE_BITS; y << TILE_BITS < bottom; y++) {
        for (let x = left >> TILE_BITS; x << TILE_BITS < right; x++) {
          const indices = tiles.get(`${z}/${x}/${y}`)?.deref()?.indices;
          if (!indices) continue;
          const [firstColumn, lastColumn] = [Math.max(left - x * TILE_PX, 0), Math.min(right - x * TILE_PX, TILE_PX)];
          const lastRow = Math.min(bottom - y * TILE_PX, TILE_PX);
          for (let row = Math.max(top - y * TILE_PX, 0); row < lastRow; row++) {
            for (let i = row * TILE_PX + firstColumn; i < row * TILE_PX + lastColumn; i++) counts[indices[i]]++;
          }
        }
      }
      counts[0] = (right - left) * (bottom - top) - counts.reduce((sum, count, value) => (value === 0 ? 0 : sum + count), 0);
      return { counts, pixel_m };
    },

    /**
     * Asks again for the tiles that show a place, in place: what is drawn stays until its new pixels are there.
     *
     * @param {number[]} changed west, south, east, north in degrees
     */
    async reload(changed) {
      version = Date.now();
      // A block's edge may fall inside a pixel of the neighbouring tile.
      const extent = buffer(transformExtent(changed, 'EPSG:4326', 'EPSG:3857'), 1);
      const touched = [...liveTiles()].filter((tile) => intersects(tileExtent(tile), extent));
      await Promise.allSettled(touched.map((tile) => fill(tile, removed.signal)));
      layer.changed();
    },

    /** Asks again for everything, failed tiles included. */
    retry() {
      source.refresh();
    },

    dispose() {
      removed.abort();
      layer.dispose();
      source.dispose();
    },
  };
}

/**
 * @param {ClassTile} tile
 * @param {Uint32Array} table
 */
function paint(tile, table) {
  tile.painted = table;
  const context = /** @type {CanvasRenderingContext2D} */ (tile.canvas.getContext('2d'));
  if (!tile.indices) {
    context.clearRect(0, 0, TILE_PX, TILE_PX);
    return;
  }
  const image = context.createImageData(TILE_PX, TILE_PX);
  const pixels = new Uint32Array(image.data.buffer);
  paintPixels(pixels, TILE_BITS, table, tile.indices);
  context.putImageData(image, 0, 0);
}
