/**
 * Area of a ring on the ellipsoid, near enough to follow a drawing.
 *
 * The figure that counts is the server's (POST …/estimate); this one is shown while the pointer moves.
 */

const SEMI_MAJOR_M = 6_378_137; // GRS 80
const ECCENTRICITY_2 = 0.006_694_380_022_90;
const RADIAN = Math.PI / 180;

/**
 * Area in m² inside one ring, whatever its direction, closed or not.
 *
 * The spherical integral ∫ sin φ dλ on the sphere that has the ellipsoid's Gaussian radius √(M·N) at the ring's middle
 * latitude: 10⁻⁵ for a ring of one kilometre, some 10⁻⁴ for ten.
 *
 * @param {readonly (readonly number[])[]} ring [lon, lat] in degrees
 */
export function ringArea_m2(ring) {
  if (ring.length < 3) return 0;
  let sum = 0;
  for (let i = 0; i < ring.length; i++) {
    const [lon1, lat1] = ring[i];
    const [lon2, lat2] = ring[(i + 1) % ring.length];
    sum += (lon2 - lon1) * RADIAN * (Math.sin(lat1 * RADIAN) + Math.sin(lat2 * RADIAN));
  }
  const latitudes = ring.map(([, lat]) => lat);
  const middle = (Math.min(...latitudes) + Math.max(...latitudes)) / 2;
  return (Math.abs(sum) / 2) * gaussianRadius2_m2(middle);
}

/** Product of the two radii of curvature at a latitude in degrees. @param {number} lat */
function gaussianRadius2_m2(lat) {
  const w2 = 1 - ECCENTRICITY_2 * Math.sin(lat * RADIAN) ** 2;
  return (SEMI_MAJOR_M ** 2 * (1 - ECCENTRICITY_2)) / w2 ** 2;
}
