/**
 * A zone being drawn, without a map or a pointer: which vertices there are and what the next gesture does to them.
 *
 * Coordinates are those of the map (EPSG:3857). A polygon ends on its first vertex or by placing a vertex twice, which is
 * what a double click does: its second click must never begin another drawing.
 */

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {'polygon' | 'rectangle'} Shape */

export class Sketch {
  /** @param {Shape} shape */
  constructor(shape) {
    this.shape = shape;
    /** @type {Coordinate[]} */
    this.vertices = [];
    /** @type {Coordinate | null} */
    this.pointer = null;
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
      vertices.push(coordinate);
      return vertices.length === 2;
    }
    if (this.canFinish && (repeated || distance(vertices[0], coordinate) <= tolerance)) return true;
    if (!repeated) vertices.push(coordinate);
    return false;
  }

  /** Takes the last vertex back. */
  undo() {
    this.vertices.pop();
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
    const points = withPointer && this.pointer ? [...this.vertices, this.pointer] : this.vertices;
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
