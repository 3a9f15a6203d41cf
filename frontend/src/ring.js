/** Closed rings of positions in a plane. */

/** @typedef {readonly (readonly number[])[]} Ring the last position equal to the first */

// 10⁻⁷ degree is a centimetre.
const DECIMALS = 7;

/** A place to the centimetre. @param {readonly number[]} lonLat degrees */
export const rounded = (lonLat) => lonLat.map((degrees) => Number(degrees.toFixed(DECIMALS)));

/** The rings of a zone. @param {import('./api.js').Zone} zone @returns {number[][][]} */
export const ringsOf = ({ type, coordinates }) => (type === 'Polygon' ? coordinates : coordinates.flat());

/** West, south, east, north. @param {Ring} ring */
export function boundsOf(ring) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of ring) {
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  }
  return bounds;
}

/** Area inside a ring, negative if it turns clockwise. @param {Ring} ring */
export function signedArea(ring) {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += (ring[i][0] - ring[i + 1][0]) * (ring[i + 1][1] + ring[i][1]);
  return sum / 2;
}

/**
 * Exterior rings turn counter-clockwise in GeoJSON (RFC 7946, 3.1.6).
 *
 * @template {Ring} R
 * @param {R} ring
 * @returns {R}
 */
export function counterClockwise(ring) {
  return signedArea(ring) < 0 ? /** @type {any} */ (ring.toReversed()) : ring;
}

/** Whether a position lies inside a ring; on its very edge, either way. @param {Ring} ring @param {readonly number[]} position */
export function contains(ring, [x, y]) {
  let inside = false;
  for (let i = 0; i + 1 < ring.length; i++) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[i + 1]];
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) inside = !inside;
  }
  return inside;
}
