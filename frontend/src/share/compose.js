/** Puts a picture together on a canvas: what `layoutOf` says, with the pixels of the map as they are. */
import { element } from '../dom.js';
import { paintCanvas } from '../swatches.js';
import { layoutOf } from './layout.js';

/** @typedef {import('./layout.js').Type} Type */
/** @typedef {import('./layout.js').Box} Box */

const PAPER = '#fff';
const LINE = '#6b7471';
const INK = '#16211f';
const SWATCH_BITS = 7;

/**
 * @param {HTMLCanvasElement} map
 * @param {object} options
 * @param {import('./layout.js').Words} options.words
 * @param {number} options.bar_px
 * @param {number} options.unit pixels of the picture to one of the screen
 * @param {import('../look.js').ColourTable} options.table of the swatches
 */
export function compose(map, { words, bar_px, unit, table }) {
  const measuring = /** @type {CanvasRenderingContext2D} */ (element('canvas').getContext('2d'));
  const layout = layoutOf({
    map: { width: map.width, height: map.height },
    bar_px,
    unit,
    words,
    measure(text, type) {
      measuring.font = fontOf(type);
      return measuring.measureText(text).width;
    },
  });
  const canvas = element('canvas', { width: layout.width, height: layout.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = PAPER;
  context.fillRect(0, 0, layout.width, layout.height);
  context.drawImage(map, layout.map.x, layout.map.y);
  outline(context, layout.map);
  for (const { box, values } of layout.swatches) {
    const swatch = element('canvas', { width: 1 << SWATCH_BITS, height: box.height });
    paintCanvas(swatch, SWATCH_BITS, table, () => values[0]);
    context.drawImage(swatch, 0, 0, box.width, box.height, box.x, box.y, box.width, box.height);
    outline(context, box);
  }
  drawNorth(context, layout.north);
  drawBar(context, layout.bar);
  for (const { text, x, y, ...type } of layout.texts) {
    context.font = fontOf(type);
    context.textAlign = type.align ?? 'left';
    context.fillStyle = type.colour ?? INK;
    context.fillText(text, x, y);
  }
  return canvas;
}

/** @param {Type} type */
const fontOf = ({ size_px, bold }) => `${bold ? 700 : 400} ${size_px}px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif`;

/** Around a box, none of its own pixels. @param {CanvasRenderingContext2D} context @param {Box} box */
function outline(context, { x, y, width, height }) {
  context.strokeStyle = LINE;
  context.lineWidth = 1;
  context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
}

/** The arrow leaves the lower part of its box to its letter. @param {CanvasRenderingContext2D} context @param {Box} box */
function drawNorth(context, { x, y, width, height }) {
  context.fillStyle = INK;
  context.beginPath();
  context.moveTo(x + width / 2, y);
  context.lineTo(x + width, y + height * 0.6);
  context.lineTo(x + width / 2, y + height * 0.48);
  context.lineTo(x, y + height * 0.6);
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {Box} box */
function drawBar(context, { x, y, width, height }) {
  context.fillStyle = INK;
  context.fillRect(x, y, width / 2, height);
  context.lineWidth = 1;
  context.strokeStyle = INK;
  context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
}

/**
 * The divider of a comparison, on the map.
 *
 * @param {HTMLCanvasElement} map
 * @param {number} percent of its width
 * @param {number} unit
 */
export function drawDivider(map, percent, unit) {
  const context = /** @type {CanvasRenderingContext2D} */ (map.getContext('2d'));
  const x = Math.round((map.width * percent) / 100);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = INK;
  context.fillRect(x - Math.round(2 * unit), 0, 2 * Math.round(2 * unit), map.height);
  context.fillStyle = PAPER;
  context.fillRect(x - Math.round(unit), 0, 2 * Math.round(unit), map.height);
}

/**
 * Leaves of the map what is inside a zone.
 *
 * @param {HTMLCanvasElement} map
 * @param {number[][][]} rings EPSG:3857
 * @param {import('./frame.js').Frame} frame
 */
export function keepInside(map, rings, { extent: [left, , right, top], width, height }) {
  const context = /** @type {CanvasRenderingContext2D} */ (map.getContext('2d'));
  const scale = width / (right - left);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.beginPath();
  context.rect(0, 0, width, height);
  for (const ring of rings) {
    for (const [i, [x, y]] of ring.entries()) {
      const place = /** @type {const} */ ([(x - left) * scale, (top - y) * scale]);
      if (i === 0) context.moveTo(...place);
      else context.lineTo(...place);
    }
    context.closePath();
  }
  context.fillStyle = PAPER;
  context.fill('evenodd');
}
