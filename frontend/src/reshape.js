/**
 * A zone being changed, without a map or a pointer: its rings, what a gesture makes of them, and the way back and forth.
 *
 * Coordinates are those of the map (EPSG:3857). No ring is ever changed in place, so that a step of the history costs only
 * the ring it changed.
 */

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {{polygon: number, vertices: readonly Coordinate[]}} Ring without its closing vertex; the first of a polygon is its outline */
/** @typedef {readonly Ring[]} Rings */
/** @typedef {{ring: number, vertex: number}} At indices */

const MOST_STEPS = 100;

export class Reshape {
  /** @type {Rings[]} */
  #steps;
  #step = 0;

  /** @param {readonly (readonly Coordinate[][])[]} polygons rings closed */
  constructor(polygons) {
    /** What is to be seen, a gesture under way included. @type {Rings} */
    this.rings = polygons.flatMap((rings, polygon) => rings.map((ring) => ({ polygon, vertices: ring.slice(0, -1) })));
    this.#steps = [this.rings];
  }

  /** The rings closed, by polygon. @returns {Coordinate[][][]} */
  polygons() {
    /** @type {Coordinate[][][]} */
    const polygons = [];
    for (const { polygon, vertices } of this.rings) (polygons[polygon] ??= []).push([...vertices, vertices[0]]);
    return Object.values(polygons);
  }

  /** The end of a gesture: what it made is a step of the history. */
  commit() {
    if (this.rings === this.#steps[this.#step]) return;
    this.#steps = [...this.#steps.slice(0, this.#step + 1), this.rings].slice(-MOST_STEPS);
    this.#step = this.#steps.length - 1;
  }

  /** As it was before the gesture under way. */
  revert() {
    this.rings = this.#steps[this.#step];
  }

  get canUndo() {
    return this.#step > 0;
  }

  get canRedo() {
    return this.#step + 1 < this.#steps.length;
  }

  /** @param {1 | -1} by */
  go(by) {
    if (by < 0 ? this.canUndo : this.canRedo) this.#step += by;
    this.revert();
  }
}

/** @param {Rings} rings @param {At} at @returns {Coordinate | undefined} */
export const vertexAt = (rings, { ring, vertex }) => rings.at(ring)?.vertices.at(vertex);

/** @param {Rings} rings @param {At} at @param {Coordinate} to @returns {Rings} */
export function moved(rings, { ring, vertex }, to) {
  return rings.with(ring, { ...rings[ring], vertices: rings[ring].vertices.with(vertex, to) });
}

/** With another vertex before that one. @param {Rings} rings @param {At} at @param {Coordinate} place @returns {Rings} */
export function inserted(rings, { ring, vertex }, place) {
  return rings.with(ring, { ...rings[ring], vertices: rings[ring].vertices.toSpliced(vertex, 0, place) });
}

/**
 * Without a vertex. A ring of three goes whole, an outline with its holes.
 *
 * @param {Rings} rings
 * @param {At} at
 * @returns {Rings | null} null where nothing would be left
 */
export function removed(rings, { ring, vertex }) {
  const { polygon, vertices } = rings[ring];
  if (vertices.length > 3) return rings.with(ring, { polygon, vertices: vertices.toSpliced(vertex, 1) });
  const isHole = ring > 0 && rings[ring - 1].polygon === polygon;
  const left = rings.filter((each, i) => (isHole ? i !== ring : each.polygon !== polygon));
  return left.length > 0 ? left : null;
}

/** @param {Rings} rings @param {number} dx @param {number} dy @returns {Rings} */
export function shifted(rings, dx, dy) {
  return rings.map(({ polygon, vertices }) => ({ polygon, vertices: vertices.map(([x, y]) => [x + dx, y + dy]) }));
}

/** The place of a vertex in the count of all, from 0. @param {Rings} rings @param {At} at */
export function numberOf(rings, { ring, vertex }) {
  return rings.slice(0, ring).reduce((sum, { vertices }) => sum + vertices.length, vertex);
}

/** How many vertices there are. @param {Rings} rings */
export const countOf = (rings) => rings.reduce((sum, { vertices }) => sum + vertices.length, 0);

/** @param {Rings} rings @param {number} number from 0, of any size: the last is followed by the first @returns {At} */
export function atNumber(rings, number) {
  const count = countOf(rings);
  let left = ((number % count) + count) % count;
  let ring = 0;
  for (; left >= rings[ring].vertices.length; ring++) left -= rings[ring].vertices.length;
  return { ring, vertex: left };
}
