/** What of a zone can be gripped in a view: its vertices, and the middles of its edges, which become vertices. */

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {{at: import('./reshape.js').At, place: Coordinate, middle: boolean}} Grip at: of a middle, the vertex that ends its edge */

const CELL_PX = 16;
const SHORTEST_EDGE_PX = 48;
/** Of cells in a view. */
const MOST_ROWS = 10_000;

/**
 * The grips of a view. Where vertices are crowded only some have one, so that each can be told from the next.
 *
 * @param {import('./reshape.js').Rings} rings
 * @param {readonly number[]} extent of the view: left, bottom, right, top
 * @param {number} resolution m per pixel
 * @returns {{grips: Grip[], crowded: boolean}} crowded: some vertices have none
 */
export function gripsOf(rings, [left, bottom, right, top], resolution) {
  const cell = CELL_PX * resolution;
  const taken = new Set();
  /** @type {Grip[]} */
  const grips = [];
  let crowded = false;
  const inView = (/** @type {number} */ x, /** @type {number} */ y) => x >= left && x <= right && y >= bottom && y <= top;
  for (const [ring, { vertices }] of rings.entries()) {
    for (const [vertex, place] of vertices.entries()) {
      const [x, y] = place;
      const [fromX, fromY] = vertices[(vertex || vertices.length) - 1];
      const [middleX, middleY] = [(fromX + x) / 2, (fromY + y) / 2];
      const length = Math.max(Math.abs(x - fromX), Math.abs(y - fromY));
      if (length >= SHORTEST_EDGE_PX * resolution && inView(middleX, middleY)) {
        grips.push({ at: { ring, vertex }, place: [middleX, middleY], middle: true });
      }
      if (!inView(x, y)) continue;
      const key = Math.floor((x - left) / cell) * MOST_ROWS + Math.floor((y - bottom) / cell);
      if (taken.has(key)) crowded = true;
      else grips.push({ at: { ring, vertex }, place, middle: false });
      taken.add(key);
    }
  }
  return { grips, crowded };
}

/**
 * The grip nearest to a place.
 *
 * @param {readonly Grip[]} grips
 * @param {Coordinate} place
 * @param {number} tolerance
 * @returns {Grip | undefined}
 */
export function gripAt(grips, [x, y], tolerance) {
  /** @type {Grip | undefined} */
  let nearest;
  let least = tolerance;
  for (const grip of grips) {
    const distance = Math.hypot(grip.place[0] - x, grip.place[1] - y);
    if (distance > least) continue;
    nearest = grip;
    least = distance;
  }
  return nearest;
}
