/** Rings into polygons: which are holes, and in what; and polygons side by side into one. */
import { boundsOf, contains, signedArea } from '../ring.js';

/** @typedef {number[][]} Ring closed */

const MOST_VOTES = 9;

/**
 * Polygons of rings of which only the directions tell outlines from holes. The largest is an outline, so its direction is that
 * of all outlines: programs differ in which that is.
 *
 * @param {Ring[]} rings
 * @returns {Ring[][]} each an outline and its holes; a hole in nothing is an outline
 */
export function polygonsOfRings(rings) {
  const sized = rings.map((ring) => ({ ring, area: signedArea(ring) })).sort((a, b) => Math.abs(a.area) - Math.abs(b.area));
  const direction = Math.sign(sized.at(-1)?.area ?? 0);
  const outlines = sized.filter(({ area }) => Math.sign(area) === direction).map(({ ring }) => ({ bounds: boundsOf(ring), rings: [ring] }));
  const alone = [];
  for (const { ring, area } of sized) {
    if (Math.sign(area) === direction) continue;
    const bounds = boundsOf(ring);
    // From the smallest on: an island in a hole may have a hole itself.
    const around = outlines.find((outline) => within(bounds, outline.bounds) && mostlyInside(ring, outline.rings[0]));
    if (around) around.rings.push(ring);
    else alone.push([ring]);
  }
  return [...outlines.map((outline) => outline.rings), ...alone];
}

/** Some of a hole's vertices may lie on the outline. @param {Ring} hole @param {Ring} outline */
function mostlyInside(hole, outline) {
  const voters = hole.slice(0, MOST_VOTES);
  return 2 * voters.filter((position) => contains(outline, position)).length > voters.length;
}

/** @param {number[]} inner @param {number[]} outer */
function within(inner, outer) {
  return inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];
}

/**
 * Neighbours that share whole edges, such as parcels or communes, as the area they cover together: as parts of one
 * multipolygon they would be refused. Others stay as they are.
 *
 * @param {Ring[][]} polygons outlines counter-clockwise, holes clockwise
 * @returns {Ring[][]}
 */
export function dissolved(polygons) {
  /** @type {Map<string, [number[], number[]]>} */
  const edges = new Map();
  let shared = false;
  for (const ring of polygons.flat()) {
    for (let i = 0; i + 1 < ring.length; i++) {
      const [from, to] = [ring[i], ring[i + 1]];
      if (`${from}` === `${to}`) continue;
      // Twice in the same direction: they overlap, which is for the service to say.
      if (edges.has(`${from} ${to}`)) return polygons;
      if (edges.delete(`${to} ${from}`)) shared = true;
      else edges.set(`${from} ${to}`, [from, to]);
    }
  }
  return shared ? polygonsOfRings(traced([...edges.values()])) : polygons;
}

/**
 * Rings along edges that have the area on their left, each place visited once by a ring.
 *
 * @param {[number[], number[]][]} edges
 * @returns {Ring[]}
 */
function traced(edges) {
  /** @type {Map<string, number[][]>} where edges lead to, by where they begin */
  const ways = new Map();
  for (const [from, to] of edges) ways.set(`${from}`, [...(ways.get(`${from}`) ?? []), to]);
  const rings = [];
  for (const [start] of edges) {
    const path = [start];
    const visited = new Map([[`${start}`, 0]]);
    for (let next = taken(ways, path); next; next = taken(ways, path)) {
      const begun = visited.get(`${next}`);
      if (begun === undefined) {
        visited.set(`${next}`, path.length);
        path.push(next);
      } else {
        const ring = path.splice(begun + 1);
        for (const place of ring) visited.delete(`${place}`);
        rings.push([next, ...ring, next]);
      }
    }
  }
  return rings;
}

/**
 * The way on from the end of a path, taken away: the leftmost, so that areas that touch in a point stay apart.
 *
 * @param {Map<string, number[][]>} ways
 * @param {number[][]} path
 */
function taken(ways, path) {
  const here = path[path.length - 1];
  const choices = ways.get(`${here}`) ?? [];
  const [x, y] = path.length > 1 ? path[path.length - 2] : here;
  const turn = (/** @type {number[]} */ to) => {
    const [[ax, ay], [bx, by]] = [[here[0] - x, here[1] - y], [to[0] - here[0], to[1] - here[1]]];
    return Math.atan2(ax * by - ay * bx, ax * bx + ay * by);
  };
  if (choices.length > 1) choices.sort((a, b) => turn(a) - turn(b));
  return choices.pop();
}
