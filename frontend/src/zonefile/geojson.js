/** Shapes of a GeoJSON text, of RFC 7946 or of its forerunner of 2008 with a `crs` member. */
import { ASSUMED, crsOfName, requireEpsg } from './crs.js';
import { damaged, Refusal } from './refusal.js';
import { nameOf } from './shape.js';

const FORMAT = 'GeoJSON';
const MOST_NESTED = 20;
const WITHOUT_AREA = ['Point', 'MultiPoint', 'LineString', 'MultiLineString'];

/**
 * @param {string} text
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {Refusal}
 */
export function* readGeoJson(text) {
  const root = parsed(text);
  const crs = crsOf(root.crs);
  const features = root.type === 'FeatureCollection' ? root.features : [root];
  if (!Array.isArray(features)) throw damaged(FORMAT);
  for (const feature of features) {
    const geometry = feature?.type === 'Feature' ? feature.geometry : feature;
    if (geometry) yield { name: nameOf(feature.properties), crs, polygons: polygonsOf(geometry, 0) };
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    // What other programs write for a number that is none.
    const notNumber = /[[,:\s](NaN|-?Infinity)[\],\s]/.exec(text);
    if (notNumber) throw new Refusal('notFinite', { value: notNumber[1] });
    throw damaged(FORMAT);
  }
}

/** @param {any} crs the member of GeoJSON 2008, section 3 */
function crsOf(crs) {
  if (crs === undefined || crs === null) return ASSUMED;
  const { name, code } = crs.properties ?? {};
  return code === undefined ? crsOfName(name ?? crs.type) : requireEpsg(Number(code));
}

/**
 * @param {any} geometry
 * @param {number} depth
 * @returns {any[]} not looked at yet
 */
function polygonsOf(geometry, depth) {
  const { type, coordinates, geometries } = Object(geometry);
  if (type === 'Polygon') return [coordinates];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates;
  if (type === 'GeometryCollection' && Array.isArray(geometries) && depth < MOST_NESTED) {
    return geometries.flatMap((part) => polygonsOf(part, depth + 1));
  }
  if (WITHOUT_AREA.includes(type)) return [];
  if (typeof type === 'string' && !/Polygon|Collection/.test(type)) throw new Refusal('geometryUnknown', { type: type.slice(0, 40) });
  throw damaged(FORMAT);
}
