/**
 * The coordinate reference systems that files of zones come in, by code, by name or by definition.
 *
 * Coordinates are x, y in every format read here, whatever order the system's authority gives its axes.
 */
import { conicZone, lambertConic, transverseMercator, utm } from '../projection.js';
import { Refusal } from './refusal.js';

/**
 * @typedef {object} Crs
 * @property {string} label
 * @property {(x: number, y: number) => [number, number] | null} locate lon, lat in degrees; null where the system does not reach
 * @property {boolean} [assumed] not stated by the file
 */
/** @typedef {import('../projection.js').Projection} Projection */

/** Characters of a definition, which has a few hundred. */
const MOST_WKT = 10_000;
const RADIUS_M = 6_378_137;

// WGS 84 and the systems of France and Europe that agree with it to less than a metre.
const GEOGRAPHIC = [4326, 4979, 4258, 4171, 9777, 9782, 4463, 4470, 4624, 4627, 5489];
const WEB_MERCATOR = [3857, 900_913, 102_100, 3785];
const LAMBERT_93 = [2154, 9793, 9794];
/** EPSG code to UTM zone, negative in the south. */
const OVERSEAS = new Map([[5490, 20], [4559, 20], [4467, 21], [2972, 22], [4471, -38], [2975, -40]]);

/** @param {string} label @returns {Crs} */
function geographic(label) {
  return { label, locate: (lon, lat) => (Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null) };
}

/** Of a text that states none. @type {Crs} */
export const ASSUMED = { ...geographic('WGS 84'), assumed: true };
export const WGS_84 = geographic('WGS 84');

/** @param {string} label @returns {Crs} */
function webMercator(label) {
  return {
    label,
    locate(x, y) {
      const [lon, lat] = [x / RADIUS_M, Math.atan(Math.sinh(y / RADIUS_M))].map((angle) => (angle * 180) / Math.PI);
      return Math.abs(lon) <= 180 && Math.abs(lat) < 85.1 ? [lon, lat] : null;
    },
  };
}

/**
 * @param {string} label
 * @param {Projection} projection
 * @param {number[]} reach west, south, east, north in degrees
 * @returns {Crs}
 */
function projected(label, { inverse }, [west, south, east, north]) {
  return {
    label,
    locate(x, y) {
      const [lon, lat] = inverse(x, y);
      return lon >= west && lon <= east && lat >= south && lat <= north ? [lon, lat] : null;
    },
  };
}

/** @param {string} label @param {Parameters<typeof lambertConic>[0]} parameters */
function conic(label, parameters) {
  const { lon0, lat0 } = parameters;
  return projected(label, lambertConic(parameters), [lon0 - 15, lat0 - 10, lon0 + 15, lat0 + 10]);
}

/** @param {string} label @param {number} lon0 @param {boolean} south @param {Projection} projection */
function meridian(label, lon0, south, projection) {
  // A zone is six degrees wide; what belongs to it may reach a zone further.
  return projected(label, projection, [lon0 - 9, south ? -80 : -1, lon0 + 9, south ? 1 : 84]);
}

/**
 * @param {number} code
 * @returns {Crs | null} null if it is not known
 */
export function crsOfEpsg(code) {
  const label = `EPSG:${code}`;
  if (GEOGRAPHIC.includes(code)) return geographic(label);
  if (WEB_MERCATOR.includes(code)) return webMercator(label);
  if (LAMBERT_93.includes(code)) {
    return conic(label, { lon0: 3, lat0: 46.5, lat1: 44, lat2: 49, falseEasting_m: 700_000, falseNorthing_m: 6_600_000 });
  }
  // CC42 to CC50, of RGF93 v1 and v2b.
  const lat0 = code - (code < 9000 ? 3900 : 9800);
  if (lat0 >= 42 && lat0 <= 50) {
    return projected(label, conicZone(lat0), [-12, lat0 - 10, 18, lat0 + 10]);
  }
  const zone = utmZone(code);
  if (zone === null) return null;
  const south = zone < 0;
  const number = Math.abs(zone);
  return meridian(label, 6 * number - 183, south, utm(number, south ? 10_000_000 : 0));
}

/** @param {number} code @returns {number | null} negative in the south */
function utmZone(code) {
  const zone = code % 100;
  const hundred = code - zone;
  if (hundred === 32_600 && zone >= 1 && zone <= 60) return zone;
  if (hundred === 32_700 && zone >= 1 && zone <= 60) return -zone;
  if (hundred === 25_800 && zone >= 28 && zone <= 38) return zone;
  return OVERSEAS.get(code) ?? null;
}

/**
 * @param {number} code
 * @returns {Crs}
 * @throws {Refusal}
 */
export function requireEpsg(code) {
  return crsOfEpsg(code) ?? unknown(`EPSG:${code}`);
}

/**
 * By a name such as `urn:ogc:def:crs:EPSG::2154`, `http://www.opengis.net/def/crs/OGC/1.3/CRS84` or `EPSG:3857`.
 *
 * @param {unknown} name
 * @returns {Crs}
 * @throws {Refusal}
 */
export function crsOfName(name) {
  const text = String(name).trim();
  if (/CRS:?84h?$/i.test(text)) return WGS_84;
  const code = /\bEPSG[:/]+(?:[\d.]*[:/])?(\d+)$/i.exec(text);
  return code ? requireEpsg(Number(code[1])) : unknown(text);
}

/**
 * By its definition as well-known text, that of ESRI's .prj files or with an authority. Projections are recognised by their
 * parameters: names differ from program to program.
 *
 * @param {string} text
 * @returns {Crs}
 * @throws {Refusal}
 */
export function crsOfWkt(text) {
  const wkt = text.slice(0, MOST_WKT);
  const label = /"([^"]*)"/.exec(wkt)?.[1] || '?';
  const code = /(?:AUTHORITY|ID)\[\s*"EPSG"\s*,\s*"?(\d+)"?\s*\]\s*\]\s*$/i.exec(wkt);
  return (code && crsOfEpsg(Number(code[1]))) ?? crsOfParameters(wkt, label) ?? unknown(label);
}

/**
 * @param {string} wkt
 * @param {string} label
 * @returns {Crs | null}
 */
function crsOfParameters(wkt, label) {
  const [, axis, inverse] = /\bSPHEROID\[\s*"[^"]*"\s*,\s*([\d.]+)\s*,\s*([\d.]+)/i.exec(wkt) ?? [];
  const meridian0 = /\bPRIMEM\[\s*"[^"]*"\s*,\s*([-\d.]+)/i.exec(wkt)?.[1] ?? '0';
  if (Number(axis) !== RADIUS_M || Math.abs(Number(inverse) - 298.2572) > 1e-4 || Number(meridian0) !== 0) return null;
  if (/^\s*GEOGCS/i.test(wkt)) return /\bUNIT\[\s*"degree/i.test(wkt) ? geographic(label) : null;
  const units = [...wkt.matchAll(/\bUNIT\[\s*"[^"]*"\s*,\s*([\d.]+)/gi)];
  if (Number(units.at(-1)?.[1]) !== 1) return null;
  const method = /\bPROJECTION\[\s*"(\w+)"/i.exec(wkt)?.[1] ?? '';
  const given = new Map(
    [...wkt.matchAll(/\bPARAMETER\[\s*"(\w+)"\s*,\s*([-+\d.e]+)/gi)].map(([, name, value]) => [name.toLowerCase(), Number(value)]),
  );
  const value = (/** @type {string} */ name) => given.get(name) ?? Number.NaN;
  const [lon0, lat0] = [value('central_meridian'), value('latitude_of_origin')];
  const shift = { falseEasting_m: value('false_easting'), falseNorthing_m: value('false_northing') };
  const scale = given.get('scale_factor') ?? 1;
  if (/^Mercator_Auxiliary_Sphere$/i.test(method) && lon0 === 0) return webMercator(label);
  if (/^Lambert_Conformal_Conic/i.test(method) && given.has('standard_parallel_2') && scale === 1) {
    return conic(label, { lon0, lat0, lat1: value('standard_parallel_1'), lat2: value('standard_parallel_2'), ...shift });
  }
  if (/^Transverse_Mercator$/i.test(method) && lat0 === 0) {
    return meridian(label, lon0, shift.falseNorthing_m > 0, transverseMercator({ lon0, scale, ...shift }));
  }
  return null;
}

/** @param {string} crs @returns {never} */
function unknown(crs) {
  throw new Refusal('crsUnknown', { crs: crs.slice(0, 80) });
}
