/** The picture under the classes: tiles of one imagery source, in natural colour or infrared. */
import TileLayer from 'ol/layer/Tile.js';
import { transformExtent } from 'ol/proj.js';
import ImageTile from 'ol/source/ImageTile.js';
import { createXYZ } from 'ol/tilegrid.js';

import { getTile, imageryTemplate } from './api.js';
import { KEPT_TILES } from './tilememory.js';

const TILE_PX = 256;

// 0.2 m pixels in mid-latitudes; finer views enlarge these tiles.
const MAX_ZOOM = 19;

/** @typedef {ReturnType<typeof createImageryLayer>} ImageryLayer */

/**
 * @param {object} options
 * @param {string} options.source imagery source id
 * @param {'natural' | 'infrared'} options.style
 * @param {number[]} options.bbox west, south, east, north in degrees: nothing is asked for outside
 * @param {(error: unknown) => void} options.onError a tile could not be had
 */
export function createImageryLayer({ source: id, style, bbox, onError }) {
  const template = imageryTemplate(id, style);
  const source = new ImageTile({
    tileGrid: createXYZ({ maxZoom: MAX_ZOOM, tileSize: TILE_PX }),
    wrapX: false,
    loader: async (z, x, y, { signal }) => {
      try {
        const file = await getTile(template, z, x, y, signal);
        return file ? await createImageBitmap(file) : emptyTile();
      } catch (error) {
        if (!signal.aborted) onError(error);
        throw error;
      }
    },
  });
  const layer = new TileLayer({
    source,
    cacheSize: KEPT_TILES,
    extent: transformExtent(bbox, 'EPSG:4326', 'EPSG:3857'),
  });

  return {
    layer,

    /** Asks again for everything, failed tiles included. */
    retry() {
      source.refresh();
    },

    dispose() {
      layer.dispose();
      source.dispose();
    },
  };
}

function emptyTile() {
  const canvas = document.createElement('canvas');
  canvas.width = TILE_PX;
  canvas.height = TILE_PX;
  return canvas;
}
