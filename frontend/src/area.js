/**
 * The area of a zone as the service measures it: planar, in the territory's own grid, edges straight in longitude and
 * latitude. So the figure beside the drawing is the one that is checked when it is sent, and printed in the report.
 */
import { projectionOf } from './projection.js';

/** Longest piece of an edge that is taken as straight in the grid, degrees: as the service cuts them. */
const STEP_DEG = 0.001;
/** Of one edge. A sketch can span the country while it is drawn; so cut, 100 km of it bend by less than a metre. */
const MOST_PIECES = 100;

/**
 * Area in m² inside one ring, whatever its direction, closed or not.
 *
 * @param {readonly (readonly number[])[]} ring [lon, lat] in degrees
 * @param {number} [epsg] of the prediction grid
 */
export function ringArea_m2(ring, epsg) {
  if (ring.length < 3) return 0;
  const project = projectionOf(epsg);
  const origin = project(ring[0][0], ring[0][1]);
  // From the first vertex: products of coordinates of millions of metres would lose the last digits.
  const place = (/** @type {number} */ lon, /** @type {number} */ lat) => {
    const [x, y] = project(lon, lat);
    return [x - origin[0], y - origin[1]];
  };
  let sum = 0;
  let [x1, y1] = [0, 0];
  for (let i = 0; i < ring.length; i++) {
    const [lon, lat] = ring[i];
    const [nextLon, nextLat] = ring[(i + 1) % ring.length];
    const pieces = Math.min(MOST_PIECES, Math.ceil(Math.hypot(nextLon - lon, nextLat - lat) / STEP_DEG));
    for (let k = 1; k <= pieces; k++) {
      const [x2, y2] = place(lon + ((nextLon - lon) * k) / pieces, lat + ((nextLat - lat) * k) / pieces);
      sum += x1 * y2 - x2 * y1;
      [x1, y1] = [x2, y2];
    }
  }
  return Math.abs(sum) / 2;
}

/**
 * Area in m² of a zone, without its holes.
 *
 * @param {import('./api.js').Zone} zone
 * @param {number} [epsg] of the prediction grid
 */
export function zoneArea_m2({ type, coordinates }, epsg) {
  const polygons = /** @type {number[][][][]} */ (type === 'Polygon' ? [coordinates] : coordinates);
  const areas = polygons.flatMap((rings) => rings.map((ring, i) => (i === 0 ? 1 : -1) * ringArea_m2(ring, epsg)));
  return areas.reduce((sum, area) => sum + area, 0);
}
