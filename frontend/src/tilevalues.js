/** What a class tile holds: the palette index of each pixel, which is its value. */
import { getTile } from './api.js';
import { readPalettePng } from './png.js';

export const TILE_BITS = 8;
export const TILE_PX = 1 << TILE_BITS;

/**
 * One byte a pixel, rows from the top; null where the service has nothing to show. Throws ApiError, or Error for what is
 * no class tile.
 *
 * @param {string} template with {z}, {x}, {y}
 * @param {number} z
 * @param {number} x
 * @param {number} y
 * @param {AbortSignal} signal
 * @param {number} [version] busts caches when not 0
 */
export async function tileValues(template, z, x, y, signal, version = 0) {
  const file = await getTile(template, z, x, y, signal, version);
  if (!file) return null;
  const { width, height, indices } = await readPalettePng(await file.arrayBuffer());
  if (width !== TILE_PX || height !== TILE_PX) throw new Error('class tile of unexpected size');
  return indices;
}
