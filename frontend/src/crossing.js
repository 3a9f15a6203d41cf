/** Where the edges of rings cross, overlap or touch as those of a valid polygon must not (OGC 06-103r4, 6.1.11.1). */

/** @typedef {readonly number[]} Position */
/** @typedef {readonly Position[]} Path positions joined by edges; a ring's last equals its first */
/** @typedef {{path: number, index: number, of: number, closed: boolean, a: Position, b: Position, east: number}} Edge */
/** @typedef {{place: Position, touch: boolean}} Crossing touch: a path touches itself in a point, without passing through */

/**
 * The first crossing from the west. Different paths may touch in a point, as holes and neighbours may; places repeated one
 * after the other are one.
 *
 * A sweep from west to east: each edge is compared with those that still reach it.
 *
 * @param {readonly Path[]} paths
 * @returns {Crossing | null}
 */
export function firstCrossing(paths) {
  const edges = paths.flatMap(edgesOf).sort((one, other) => westOf(one) - westOf(other));
  /** @type {Edge[]} */
  let reaching = [];
  for (const edge of edges) {
    const west = westOf(edge);
    reaching = reaching.filter(({ east }) => east >= west);
    for (const other of reaching) {
      const crossing = crossingOf(edge, other);
      if (crossing) return crossing;
    }
    reaching.push(edge);
  }
  return null;
}

/** @param {Path} path @param {number} number @returns {Edge[]} */
function edgesOf(path, number) {
  const places = path.filter((place, i) => i === 0 || !same(place, path[i - 1]));
  const of = places.length - 1;
  const closed = of > 0 && same(places[0], places[of]);
  return places.slice(1).map((b, index) => ({ path: number, index, of, closed, a: places[index], b, east: Math.max(places[index][0], b[0]) }));
}

/** @param {Edge} edge */
const westOf = ({ a, b }) => Math.min(a[0], b[0]);

/** @param {Position} one @param {Position} other */
const same = (one, other) => one[0] === other[0] && one[1] === other[1];

/**
 * @param {Edge} edge
 * @param {Edge} other
 * @returns {Crossing | null}
 */
function crossingOf(edge, other) {
  const { a, b } = edge;
  const { a: c, b: d } = other;
  if (Math.min(a[1], b[1]) > Math.max(c[1], d[1]) || Math.min(c[1], d[1]) > Math.max(a[1], b[1])) return null;
  const [sideC, sideD, sideA, sideB] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (sideC * sideD > 0 || sideA * sideB > 0) return null;
  if (sideC === 0 && sideD === 0) return overlapOf(edge, other);
  if (sideC * sideD < 0 && sideA * sideB < 0) {
    const share = sideA / (sideA - sideB);
    return { place: [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])], touch: false };
  }
  if (edge.path !== other.path || follows(edge, other) || follows(other, edge)) return null;
  return { place: [c, d, a, b][[sideC, sideD, sideA, sideB].indexOf(0)], touch: true };
}

/** Of edges on one line. @param {Edge} edge @param {Edge} other @returns {Crossing | null} */
function overlapOf(edge, other) {
  const axis = edge.a[0] === edge.b[0] ? 1 : 0;
  const along = (/** @type {Position} */ one, /** @type {Position} */ two) => one[axis] - two[axis];
  const [from, to] = [edge.a, edge.b].sort(along);
  const [otherFrom, otherTo] = [other.a, other.b].sort(along);
  const begin = along(from, otherFrom) < 0 ? otherFrom : from;
  const end = along(to, otherTo) < 0 ? to : otherTo;
  if (along(begin, end) < 0) return { place: begin, touch: false };
  const alone = along(begin, end) > 0 || edge.path !== other.path || follows(edge, other) || follows(other, edge);
  return alone ? null : { place: begin, touch: true };
}

/** Whether an edge begins where the other ends, along one path. @param {Edge} edge @param {Edge} other */
function follows(edge, other) {
  return edge.path === other.path && (edge.index === other.index + 1 || (edge.closed && edge.index === 0 && other.index === other.of - 1));
}

/** On which side of the line from `a` to `b` a place lies: positive on the left, 0 on it. @param {Position} a @param {Position} b @param {Position} place */
function side(a, b, [x, y]) {
  return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
}
