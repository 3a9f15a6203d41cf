/** What the service would refuse a zone for, as far as the page can know it: said in the service's words (`app/aoi.py`). */
import { firstCrossing } from './crossing.js';
import { number, t } from './i18n.js';
import { boundsOf, ringsOf, rounded, signedArea } from './ring.js';
import { Refusal } from './zonefile/refusal.js';

/** @typedef {import('./api.js').Zone} Zone */

const MOST_LONGITUDES = 180;

/**
 * Why a zone cannot be one; null if it can. Holes outside of their outline are left to the service.
 *
 * @param {Zone} zone
 * @param {number} mostVertices
 * @returns {Refusal | null}
 */
export function faultOf(zone, mostVertices) {
  const rings = ringsOf(zone);
  const n = rings.reduce((sum, ring) => sum + ring.length, 0);
  if (n > mostVertices) return new Refusal('tooManyVertices', { n, limit: mostVertices });
  const widths = rings.map(boundsOf).map(([west, , east]) => east - west);
  if (widths.some((width) => width > MOST_LONGITUDES)) return new Refusal('antimeridian');
  const crossing = crossingFault(rings);
  // Only then: the two halves of a bow-tie make nothing together.
  return crossing ?? (rings.some((ring) => signedArea(ring) === 0) ? new Refusal('noArea') : null);
}

/**
 * Why edges cannot be those of one zone; null if they can.
 *
 * @param {readonly number[][][]} paths lon, lat in degrees
 * @returns {Refusal | null}
 */
export function crossingFault(paths) {
  const crossing = firstCrossing(paths);
  if (!crossing) return null;
  const [lon, lat] = rounded(crossing.place);
  return new Refusal(crossing.touch ? 'touchesItself' : 'crossesItself', { lon, lat });
}

/** A refusal in the page's language. @param {Refusal} refusal */
export function refusalText({ key, values }) {
  const shown = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'number' ? number(value, { maximumFractionDigits: 7 }) : value,
  ]);
  return t(key, Object.fromEntries(shown));
}
