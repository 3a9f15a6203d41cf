/**
 * A zone being drawn, without a map or a pointer: which vertices there are and what the next gesture does to them.
 *
 * Coordinates are those of the map (EPSG:3857). A polygon ends on its first vertex or by placing a vertex twice, which is
 * what a double click does: its second click must never begin another drawing. Freehand is a polygon that strokes may be drawn
 * for, many vertices at once.
 */
import { simplified } from './stroke.js';


/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {'polygon' | 'rectangle' | 'freehand'} Shape */

export class Sketch {
  /** @type {Coordinate | null} */
  pointer = null;
  /** @type {Coordinate[]} the stroke being drawn */
  stroke = [];
  /** @type {number[]} how many vertices there were before each gesture */
  #before;

  /**
   * @param {Shape} shape
   * @param {Coordinate[]} [vertices] of a drawing taken up again
   */
  constructor(shape, vertices = []) {
    this.shape = shape;
    this.vertices = vertices;
    this.#before = [...vertices.keys()];
  }

  /**
   * Places a vertex, or ends the drawing.
   *
   * @param {Coordinate} coordinate
   * @param {number} tolerance distance under which two places are the same
   * @returns {boolean} whether the drawing is finished
   */
  place(coordinate, tolerance) {
    const { vertices } = this;
    const last = vertices.at(-1);
    const repeated = last !== undefined && distance(last, coordinate) <= tolerance;
    if (this.shape === 'rectangle') {
      if (repeated) return false;
      this.#add([coordinate]);
      return vertices.length === 2;
    }
    if (this.canFinish && (repeated || distance(vertices[0], coordinate) <= tolerance)) return true;
    if (!repeated) this.#add([coordinate]);
    return false;
  }

  /**
   * Ends the stroke: its vertices are the drawing's.
   *
   * @param {number} tolerance how far the vertices may lie from the stroke; a stroke that short is a single vertex
   * @param {number} most vertices of a drawing
   */
  endStroke(tolerance, most) {
    const { stroke } = this;
    this.stroke = [];
    const short = stroke.every((place) => distance(place, stroke[0]) <= tolerance);
    const room = Math.max(2, most - this.vertices.length);
    this.#add(short ? stroke.slice(0, 1) : simplified(stroke, tolerance, room));
  }

  /** @param {Coordinate[]} places */
  #add(places) {
    this.#before.push(this.vertices.length);
    this.vertices.push(...places);
  }

  /** Takes the last vertex back, or the last stroke. */
  undo() {
    this.vertices.length = this.#before.pop() ?? 0;
  }

  /** Whether there are vertices enough for an area. */
  get canFinish() {
    return this.vertices.length >= (this.shape === 'rectangle' ? 2 : 3);
  }

  /**
   * The ring drawn so far, closed, with or without the place of the pointer as its next vertex.
   *
   * @param {boolean} withPointer
   * @returns {Coordinate[]} empty before the first vertex
   */
  ring(withPointer) {
    const next = this.stroke.length > 0 ? this.stroke : this.pointer ? [this.pointer] : [];
    const points = withPointer ? [...this.vertices, ...next] : this.vertices;
    if (points.length === 0) return [];
    if (this.shape === 'rectangle') {
      const [[x1, y1], [x2, y2]] = [points[0], points[1] ?? points[0]];
      return [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]];
    }
    return [...points, points[0]];
  }
}

/**
 * @param {Coordinate} a
 * @param {Coordinate} b
 */
function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
