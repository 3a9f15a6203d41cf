/** A zone being changed, and the vertex that buttons and keys are for: what each gesture makes of them, without a map. */
import { atNumber, inserted, moved, numberOf, removed, Reshape, shifted, vertexAt } from './reshape.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {import('./grips.js').Grip} Grip */

export class Change extends Reshape {
  /** @type {import('./reshape.js').At | null} the vertex that buttons and keys are for */
  chosen = null;
  /** Whether that vertex follows the centre of the view. */
  taken = false;
  /** Whether gestures move the whole zone. */
  whole = false;
  /** @type {((to: Coordinate) => import('./reshape.js').Rings) | null} what a drag makes */
  #drag = null;

  get place() {
    return this.chosen && vertexAt(this.rings, this.chosen);
  }

  /**
   * Begins a drag of what is gripped: a vertex, the middle of an edge, which becomes one, or the whole.
   *
   * @param {Coordinate} from
   * @param {Grip | undefined} grip
   * @returns {boolean} whether there is something to be dragged
   */
  press(from, grip) {
    const { rings } = this;
    if (this.taken) return false;
    if (this.whole) this.#drag = (to) => shifted(rings, to[0] - from[0], to[1] - from[1]);
    else if (grip) {
      const { at, place } = grip;
      this.rings = grip.middle ? inserted(rings, at, place) : rings;
      this.chosen = at;
      const begun = this.rings;
      this.#drag = (to) => moved(begun, at, [place[0] + to[0] - from[0], place[1] + to[1] - from[1]]);
    }
    return this.#drag !== null;
  }

  /** @param {Coordinate} to @returns {boolean} whether something is dragged */
  drag(to) {
    if (this.#drag) this.rings = this.#drag(to);
    return this.#drag !== null;
  }

  /** Ends a drag. @returns {boolean} whether something was dragged */
  release() {
    const dragged = this.#drag !== null;
    this.#drag = null;
    if (dragged) this.commit();
    return dragged;
  }

  /** Gives up the gesture under way. @returns {boolean} whether there was one */
  drop() {
    const under = this.#drag !== null || this.taken;
    this.#drag = null;
    this.taken = false;
    if (under) this.revert();
    return under;
  }

  /** The vertex taken comes along. @param {Coordinate} to */
  carry(to) {
    if (this.taken && this.chosen) this.rings = moved(this.rings, this.chosen, to);
  }

  /** Takes the chosen vertex, or puts it down. @returns {boolean} whether there is one */
  take() {
    if (!this.place || this.whole) return false;
    this.taken = !this.taken;
    if (!this.taken) this.commit();
    return true;
  }

  /**
   * Adds a vertex in the middle of an edge.
   *
   * @param {Grip | undefined} middle of the edge; without, of the one after the chosen vertex
   * @returns {Coordinate | null} its place; null while another gesture is under way
   */
  add(middle) {
    if (this.taken || this.whole) return null;
    const { ring, vertex } = this.chosen ?? { ring: 0, vertex: 0 };
    const { vertices } = this.rings[ring];
    const [[x1, y1], [x2, y2]] = [vertices[vertex], vertices[(vertex + 1) % vertices.length]];
    const { at, place } = middle ?? { at: { ring, vertex: vertex + 1 }, place: [(x1 + x2) / 2, (y1 + y2) / 2] };
    this.rings = inserted(this.rings, at, place);
    this.chosen = at;
    this.commit();
    return place;
  }

  /** Removes the chosen vertex. @returns {boolean} false where nothing would be left */
  remove() {
    if (!this.chosen || this.whole) return true;
    const left = removed(this.rings, this.chosen);
    if (!left) return false;
    this.rings = left;
    this.taken = false;
    this.chosen = null;
    this.commit();
    return true;
  }

  /** Chooses the next vertex, at first the first. @param {1 | -1} by @returns {boolean} false while another gesture is under way */
  step(by) {
    if (this.taken || this.whole) return false;
    this.chosen = atNumber(this.rings, this.chosen ? numberOf(this.rings, this.chosen) + by : 0);
    return true;
  }

  /** @param {number} dx @param {number} dy */
  nudge(dx, dy) {
    this.rings = shifted(this.rings, dx, dy);
    this.commit();
  }

  /** From one vertex to the whole, and back. */
  moveWhole() {
    if (this.taken) this.take();
    this.whole = !this.whole;
  }

  /** @param {1 | -1} by @override */
  go(by) {
    this.taken = false;
    super.go(by);
    if (!this.place) this.chosen = null;
  }
}
