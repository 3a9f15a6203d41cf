/** Small canvases that show colours as the map has them, patterns included. */
import { element } from './dom.js';
import { paintPixels } from './look.js';

/** @typedef {import('./look.js').ColourTable} ColourTable */

const SWATCH_BITS = 4;

/** A square for the colour of a class, still empty. */
export function classSwatch() {
  return element('canvas', { className: 'swatch', width: 1 << SWATCH_BITS, height: 1 << SWATCH_BITS, 'aria-hidden': 'true' });
}

/** Fills a square of `classSwatch`. @param {HTMLCanvasElement} canvas @param {ColourTable} table @param {number} value */
export function paintSwatch(canvas, table, value) {
  paintCanvas(canvas, SWATCH_BITS, table, () => value);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} bits of its width
 * @param {ColourTable} table
 * @param {(i: number) => number} valueAt
 */
export function paintCanvas(canvas, bits, table, valueAt) {
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  paintPixels(pixels, bits, table, Uint8Array.from(pixels, (_, i) => valueAt(i)));
  context.putImageData(image, 0, 0);
}
