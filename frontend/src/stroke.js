/** A line drawn freehand as the few vertices that tell its shape. */
import { douglasPeucker } from 'ol/geom/flat/simplify.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

/**
 * The places of a stroke that are needed to stay within a tolerance of it, and within a number of vertices: a longer stroke is
 * told more coarsely.
 *
 * @param {readonly Coordinate[]} stroke
 * @param {number} tolerance in units of the map
 * @param {number} most 4 at least
 * @returns {Coordinate[]}
 */
export function simplified(stroke, tolerance, most) {
  const flat = stroke.flatMap(([x, y]) => [x, y]);
  for (let coarse = tolerance; ; coarse *= 2) {
    /** @type {number[]} */
    const kept = [];
    const length = douglasPeucker(flat, 0, flat.length, 2, coarse ** 2, kept, 0);
    if (length / 2 <= most) return Array.from({ length: length / 2 }, (_, i) => [kept[2 * i], kept[2 * i + 1]]);
  }
}
