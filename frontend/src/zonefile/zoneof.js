/** Shapes of a file as a zone: in longitude and latitude, checked by the service's own rules of form (`app/aoi.py`). */
import { boundsOf, counterClockwise, rounded } from '../ring.js';
import { dissolved, polygonsOfRings } from './outlines.js';
import { damaged, Refusal } from './refusal.js';

/** @typedef {import('./shape.js').Shape} Shape */
/** @typedef {import('./crs.js').Crs} Crs */

const MOST_LONGITUDES = 180;

/** France, in Europe and overseas: west, south, east, north. */
const TERRITORIES = [
  [-5.5, 41, 10, 51.5],
  [-63.5, 14, -60.5, 18.5],
  [-57, 46.5, -56, 47.5],
  [-55, 2, -51, 6],
  [44.8, -13.2, 45.5, -12.4],
  [55, -21.6, 56, -20.6],
];

/**
 * @param {readonly Shape[]} shapes
 * @param {number} mostVertices
 * @returns {import('../api.js').Zone}
 * @throws {Refusal}
 */
export function zoneOf(shapes, mostVertices) {
  const vertices = shapes.reduce((sum, shape) => sum + verticesOf(shape), 0);
  if (vertices > mostVertices) {
    throw new Refusal(shapes.length > 1 ? 'tooManyTogether' : 'tooManyVertices', { n: vertices, limit: mostVertices });
  }
  const polygons = shapes.flatMap(({ crs, polygons, loose }) => {
    const placed = polygons.map((rings) => asArray(rings).map((ring) => lonLatRing(asArray(ring), crs)));
    return loose ? placed.flatMap(polygonsOfRings) : placed;
  });
  if (polygons.length === 0 || polygons.some((rings) => rings.length === 0)) throw new Refusal('noPolygon');
  requireOrder(polygons[0][0][0]);
  const turned = polygons.map(turnedRings);
  const together = turned.length > 1 ? dissolved(turned) : turned;
  return together.length === 1 ? { type: 'Polygon', coordinates: together[0] } : { type: 'MultiPolygon', coordinates: together };
}

/** @param {Shape} shape */
export function verticesOf({ polygons }) {
  return polygons.flat().reduce((sum, ring) => sum + (Array.isArray(ring) ? ring.length : 0), 0);
}

/** @param {number[][][]} rings */
function turnedRings([outline, ...holes]) {
  return [counterClockwise(outline), ...holes.map((hole) => counterClockwise(hole).toReversed())];
}

/**
 * @param {number[][]} ring
 * @param {Crs} crs
 */
function lonLatRing(ring, crs) {
  const places = ring.map((position) => lonLat(asArray(position), crs));
  if (`${places[0]}` !== `${places.at(-1)}`) places.push(places[0]);
  if (places.length < 4) throw new Refusal('ringShort');
  const [west, , east] = boundsOf(places);
  if (east - west > MOST_LONGITUDES) throw new Refusal('antimeridian');
  return places;
}

/**
 * @param {number[]} position
 * @param {Crs} crs
 */
function lonLat([x, y], crs) {
  for (const value of [x, y]) {
    if (!Number.isFinite(value)) throw new Refusal('notFinite', { value: String(value).slice(0, 20) });
  }
  const place = crs.locate(x, y);
  if (!place) throw astray(x, y, crs);
  return rounded(place);
}

/**
 * Why there is no such place.
 *
 * @param {number} x
 * @param {number} y
 * @param {Crs} crs
 */
function astray(x, y, crs) {
  const values = { x: Number(x.toPrecision(9)), y: Number(y.toPrecision(9)), crs: crs.label };
  if (crs.assumed && Math.max(Math.abs(x), Math.abs(y)) > 1000) return new Refusal('crsMissing', values);
  if (crs.locate(y, x)) return new Refusal('swapped', values);
  if (crs.assumed && Math.abs(x) <= 540 && Math.abs(y) <= 90) return new Refusal('antimeridian');
  return new Refusal('outOfRange', values);
}

/** Coordinates that lie in France only the other way round are the wrong way round. @param {number[]} place */
function requireOrder([lon, lat]) {
  const known = (/** @type {number} */ x, /** @type {number} */ y) =>
    TERRITORIES.some(([west, south, east, north]) => x >= west && x <= east && y >= south && y <= north);
  if (!known(lon, lat) && known(lat, lon)) throw new Refusal('swapped', { x: lon, y: lat });
}

/** @param {unknown} value @returns {any[]} */
function asArray(value) {
  if (!Array.isArray(value)) throw damaged('GeoJSON');
  return value;
}
