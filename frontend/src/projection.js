/**
 * Between longitude and latitude and the metres of a plane: the territory's own grid, in which the service measures areas,
 * and those that files of zones come in.
 *
 * Lambert-93 for mainland France, UTM overseas, both on GRS 80; millimetres from PROJ anywhere inside their territories.
 */

/**
 * @typedef {object} Projection
 * @property {(lon: number, lat: number) => [number, number]} forward degrees to x, y in metres
 * @property {(x: number, y: number) => [number, number]} inverse metres to lon, lat in degrees
 */

const RADIAN = Math.PI / 180;
const SEMI_MAJOR_M = 6_378_137;
const FLATTENING = 1 / 298.257_222_101;
const ECCENTRICITY = Math.sqrt(FLATTENING * (2 - FLATTENING));

export const LAMBERT_93 = 2154;

/** Prediction grids of the service: EPSG code to its projection. @type {ReadonlyMap<number, Projection>} */
const PROJECTIONS = new Map([
  [LAMBERT_93, lambertConic({ lon0: 3, lat0: 46.5, lat1: 44, lat2: 49, falseEasting_m: 700_000, falseNorthing_m: 6_600_000 })],
  [5490, utm(20, 0)],
  [4467, utm(21, 0)],
  [2972, utm(22, 0)],
  [4471, utm(38, 10_000_000)],
  [2975, utm(40, 10_000_000)],
]);

/**
 * The projection of a grid, forwards; that of mainland France for a code we do not know.
 *
 * @param {number | undefined} epsg
 */
export function projectionOf(epsg) {
  return /** @type {Projection} */ (PROJECTIONS.get(epsg ?? LAMBERT_93) ?? PROJECTIONS.get(LAMBERT_93)).forward;
}

/** Of a latitude, both in radians: where it lies on a Mercator chart of the ellipsoid. @param {number} lat */
function isometric(lat) {
  return Math.asinh(Math.tan(lat)) - ECCENTRICITY * Math.atanh(ECCENTRICITY * Math.sin(lat));
}

/** The latitude of an isometric one, radians. Each round adds two digits or more. @param {number} psi */
function latitudeOf(psi) {
  let lat = Math.atan(Math.sinh(psi));
  for (let round = 0; round < 8; round++) {
    lat = Math.atan(Math.sinh(psi + ECCENTRICITY * Math.atanh(ECCENTRICITY * Math.sin(lat))));
  }
  return lat;
}

/** Names and areas of use (west, south, east, north, from the EPSG dataset). @type {readonly [number, string, number[]][]} */
const TERRITORIES = [
  [LAMBERT_93, 'Lambert-93', [-9.86, 41.15, 10.38, 51.56]],
  [5490, 'UTM 20N', [-63.66, 14.08, -60, 18.31]],
  [4467, 'UTM 21N', [-57.1, 43.41, -55.9, 47.37]],
  [2972, 'UTM 22N', [-54, 2.17, -49.45, 8.88]],
  [4471, 'UTM 38S', [43.68, -14.49, 46.7, -11.33]],
  [2975, 'UTM 40S', [54, -24.72, 58.24, -18.28]],
];

/**
 * The grid of the territory that a place belongs to; undefined outside of all.
 *
 * @param {number} lon
 * @param {number} lat
 */
export function gridAt(lon, lat) {
  const found = TERRITORIES.find(([, , [west, south, east, north]]) => lon >= west && lon <= east && lat >= south && lat <= north);
  return found && { name: found[1], project: projectionOf(found[0]) };
}

/**
 * Places of these metres in the grids of the service's territories; none for metres that lie in none of them.
 *
 * @param {number} x
 * @param {number} y
 * @returns {{name: string, lon: number, lat: number}[]}
 */
export function gridPlaces(x, y) {
  return TERRITORIES.flatMap(([epsg, name]) => {
    const [lon, lat] = /** @type {Projection} */ (PROJECTIONS.get(epsg)).inverse(x, y);
    return gridAt(lon, lat)?.name === name ? [{ name, lon, lat }] : [];
  });
}

/**
 * Lambert conic conformal with two standard parallels (EPSG method 9802; IOGP guidance note 7-2, 3.1.1.1).
 *
 * @param {{lon0: number, lat0: number, lat1: number, lat2: number, falseEasting_m: number, falseNorthing_m: number}} parameters degrees
 * @returns {Projection}
 */
export function lambertConic({ lon0, lat0, lat1, lat2, falseEasting_m, falseNorthing_m }) {
  const m = (/** @type {number} */ lat) => Math.cos(lat) / Math.sqrt(1 - (ECCENTRICITY * Math.sin(lat)) ** 2);
  const [parallel1, parallel2] = [lat1 * RADIAN, lat2 * RADIAN];
  const n = Math.log(m(parallel1) / m(parallel2)) / (isometric(parallel2) - isometric(parallel1));
  const scale_m = (SEMI_MAJOR_M * m(parallel1) * Math.exp(n * isometric(parallel1))) / n;
  const radius_m = (/** @type {number} */ lat) => scale_m * Math.exp(-n * isometric(lat * RADIAN));
  const apex_m = falseNorthing_m + radius_m(lat0);
  return {
    forward(lon, lat) {
      const angle = n * (lon - lon0) * RADIAN;
      const distance_m = radius_m(lat);
      return [falseEasting_m + distance_m * Math.sin(angle), apex_m - distance_m * Math.cos(angle)];
    },
    inverse(x, y) {
      const [east, south] = [x - falseEasting_m, apex_m - y];
      const psi = -Math.log(Math.hypot(east, south) / scale_m) / n;
      return [lon0 + Math.atan2(east, south) / n / RADIAN, latitudeOf(psi) / RADIAN];
    },
  };
}

/** One of the nine zones CC42 to CC50 of RGF93. @param {number} parallel 42-50, degrees */
export function conicZone(parallel) {
  return lambertConic({
    lon0: 3,
    lat0: parallel,
    lat1: parallel - 0.75,
    lat2: parallel + 0.75,
    falseEasting_m: 1_700_000,
    falseNorthing_m: 1e6 * (parallel - 41) + 200_000,
  });
}

/** Universal transverse Mercator. @param {number} zone @param {number} falseNorthing_m */
export function utm(zone, falseNorthing_m) {
  return transverseMercator({ lon0: 6 * zone - 183, scale: 0.9996, falseEasting_m: 500_000, falseNorthing_m });
}

/**
 * Transverse Mercator from the equator: Krüger's series to the third power of the third flattening (Karney 2011, sections
 * 2 and 3).
 *
 * @param {{lon0: number, scale: number, falseEasting_m: number, falseNorthing_m: number}} parameters
 * @returns {Projection}
 */
export function transverseMercator({ lon0, scale, falseEasting_m, falseNorthing_m }) {
  const n = FLATTENING / (2 - FLATTENING);
  const scale_m = scale * (SEMI_MAJOR_M / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [n / 2 - (2 * n ** 2) / 3 + (5 * n ** 3) / 16, (13 * n ** 2) / 48 - (3 * n ** 3) / 5, (61 * n ** 3) / 240];
  const beta = [n / 2 - (2 * n ** 2) / 3 + (37 * n ** 3) / 96, n ** 2 / 48 + n ** 3 / 15, (17 * n ** 3) / 480];
  return {
    forward(lon, lat) {
      const tangent = Math.sinh(isometric(lat * RADIAN));
      const angle = (lon - lon0) * RADIAN;
      const xi = Math.atan2(tangent, Math.cos(angle));
      const eta = Math.asinh(Math.sin(angle) / Math.hypot(tangent, Math.cos(angle)));
      const [x, y] = series(alpha, eta, xi, 1);
      return [falseEasting_m + scale_m * x, falseNorthing_m + scale_m * y];
    },
    inverse(x, y) {
      const [eta, xi] = series(beta, (x - falseEasting_m) / scale_m, (y - falseNorthing_m) / scale_m, -1);
      const lat = latitudeOf(Math.asinh(Math.sin(xi) / Math.hypot(Math.sinh(eta), Math.cos(xi))));
      return [lon0 + Math.atan2(Math.sinh(eta), Math.cos(xi)) / RADIAN, lat / RADIAN];
    },
  };
}

/**
 * Between the transverse Mercator of the sphere and that of the ellipsoid: eastwards and northwards, in radians.
 *
 * @param {readonly number[]} coefficients
 * @param {number} eta
 * @param {number} xi
 * @param {1 | -1} sign
 * @returns {[number, number]}
 */
function series(coefficients, eta, xi, sign) {
  let [x, y] = [eta, xi];
  for (const [i, c] of coefficients.entries()) {
    x += sign * c * Math.cos(2 * (i + 1) * xi) * Math.sinh(2 * (i + 1) * eta);
    y += sign * c * Math.sin(2 * (i + 1) * xi) * Math.cosh(2 * (i + 1) * eta);
  }
  return [x, y];
}
