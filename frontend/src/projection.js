/**
 * From longitude and latitude to the metres of the territory's own grid, in which the service measures areas.
 *
 * Lambert-93 for mainland France, UTM overseas, both on GRS 80; millimetres from PROJ anywhere inside their territories.
 */

/** @typedef {(lon: number, lat: number) => [number, number]} Projection degrees to x, y in metres */

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
 * The projection of a grid; that of mainland France for a code we do not know.
 *
 * @param {number | undefined} epsg
 * @returns {Projection}
 */
export function projectionOf(epsg) {
  return /** @type {Projection} */ (PROJECTIONS.get(epsg ?? LAMBERT_93) ?? PROJECTIONS.get(LAMBERT_93));
}

/**
 * Lambert conic conformal with two standard parallels (EPSG method 9802; IOGP guidance note 7-2, 3.1.1.1).
 *
 * @param {{lon0: number, lat0: number, lat1: number, lat2: number, falseEasting_m: number, falseNorthing_m: number}} parameters degrees
 * @returns {Projection}
 */
function lambertConic({ lon0, lat0, lat1, lat2, falseEasting_m, falseNorthing_m }) {
  const m = (/** @type {number} */ lat) => Math.cos(lat * RADIAN) / Math.sqrt(1 - (ECCENTRICITY * Math.sin(lat * RADIAN)) ** 2);
  const t = (/** @type {number} */ lat) => {
    const sine = ECCENTRICITY * Math.sin(lat * RADIAN);
    return Math.tan(Math.PI / 4 - (lat * RADIAN) / 2) / ((1 - sine) / (1 + sine)) ** (ECCENTRICITY / 2);
  };
  const n = Math.log(m(lat1) / m(lat2)) / Math.log(t(lat1) / t(lat2));
  const scale_m = (SEMI_MAJOR_M * m(lat1)) / (n * t(lat1) ** n);
  const radius_m = (/** @type {number} */ lat) => scale_m * t(lat) ** n;
  const origin_m = radius_m(lat0);
  return (lon, lat) => {
    const angle = n * (lon - lon0) * RADIAN;
    const distance_m = radius_m(lat);
    return [falseEasting_m + distance_m * Math.sin(angle), falseNorthing_m + origin_m - distance_m * Math.cos(angle)];
  };
}

/**
 * Universal transverse Mercator: Krüger's series to the third power of the third flattening (Karney 2011, section 2).
 *
 * @param {number} zone
 * @param {number} falseNorthing_m
 * @returns {Projection}
 */
function utm(zone, falseNorthing_m) {
  const lon0 = 6 * zone - 183;
  const n = FLATTENING / (2 - FLATTENING);
  const scale_m = 0.9996 * (SEMI_MAJOR_M / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [n / 2 - (2 * n ** 2) / 3 + (5 * n ** 3) / 16, (13 * n ** 2) / 48 - (3 * n ** 3) / 5, (61 * n ** 3) / 240];
  return (lon, lat) => {
    const sine = Math.sin(lat * RADIAN);
    const tangent = Math.sinh(Math.atanh(sine) - ECCENTRICITY * Math.atanh(ECCENTRICITY * sine));
    const angle = (lon - lon0) * RADIAN;
    const xi = Math.atan2(tangent, Math.cos(angle));
    const eta = Math.asinh(Math.sin(angle) / Math.hypot(tangent, Math.cos(angle)));
    let [x, y] = [eta, xi];
    for (const [i, a] of alpha.entries()) {
      x += a * Math.cos(2 * (i + 1) * xi) * Math.sinh(2 * (i + 1) * eta);
      y += a * Math.sin(2 * (i + 1) * xi) * Math.cosh(2 * (i + 1) * eta);
    }
    return [500_000 + scale_m * x, falseNorthing_m + scale_m * y];
  };
}
