/**
 * A map layer of class values.
 *
 * The palette index of each PNG tile is kept as what it is, the class value; pixels are painted from it through a table
 * of 256 colours. Hiding a class, naming the one under the pointer and counting what is in view need no request.
 */
import { buffer, intersects } from 'ol/extent.js';
import TileLayer from 'ol/layer/Tile.js';
import { transformExtent } from 'ol/proj.js';
import ImageTile from 'ol/source/ImageTile.js';
import { createXYZ } from 'ol/tilegrid.js';

import { getTile } from './api.js';
import { readPalettePng } from './png.js';

const TILE_PX = 256;

// Tiles kept: enough for a 4K window and its surroundings. 330 kB each (colours and values).
const CACHED_TILES = 256;

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

/**
 * The colour of each value as canvas pixels; nodata, unknown and hidden values are transparent.
 *
 * @param {readonly import('./api.js').LandCoverClass[]} classes
 * @param {readonly number[]} hidden
 * @returns {Uint32Array<ArrayBuffer>} 256 pixels, RGBA bytes in memory order
 */
export function colourTable(classes, hidden) {
  const bytes = new Uint8Array(256 * 4);
  for (const { value, colour } of classes) {
    if (value === 0 || hidden.includes(value)) continue;
    const rgb = Number.parseInt(colour.slice(1), 16);
    bytes.set([rgb >> 16, (rgb >> 8) & 255, rgb & 255, 255], value * 4);
  }
  return new Uint32Array(bytes.buffer);
}

/** @typedef {ReturnType<typeof createClassLayer>} ClassLayer */

/**
 * @param {object} options
 * @param {string} options.template address with {z}, {x}, {y}, Web Mercator
 * @param {number} options.minZoom
 * @param {number} options.maxZoom finer views enlarge these tiles, without interpolation
 * @param {number[]} options.bbox west, south, east, north in degrees: nothing is asked for outside
 * @param {number} options.zIndex
 * @param {import('./swipe.js').Side} options.side of the divider, when there is one
 * @param {Uint32Array<ArrayBuffer>} options.colours
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
      const file = await getTile(template, tile.z, tile.x, tile.y, signal, version);
      const png = file && (await readPalettePng(await file.arrayBuffer()));
      if (png && (png.width !== TILE_PX || png.height !== TILE_PX)) throw new Error('class tile of unexpected size');
      if (request !== tile.request) return;
      tile.indices = png && png.indices;
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
  const layer = new TileLayer({
    source,
    zIndex,
    properties: { side },
    cacheSize: CACHED_TILES,
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

    /** @param {Uint32Array<ArrayBuffer>} next from `colourTable` */
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
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[tile.indices[i]];
  context.putImageData(image, 0, 0);
}
