/**
 * A zone as a short text for a link, and back, to the centimetre.
 *
 * Rings without their last position, each coordinate in 10⁻⁷ degree as its difference from the one before it, even numbers for
 * positive and odd ones for negative differences, in digits of five bits, the least first; 32 is added where another digit
 * follows. A dot stands between rings, two between polygons. Two digits in front are a sum of the rest: a link
 * cut short in a letter must not give another zone.
 */

/** @typedef {import('./api.js').Zone} Zone */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const UNITS_PER_DEGREE = 1e7;
/** Characters: some programs cut links that are longer than 2000. */
export const MOST_CHARACTERS = 1500;

/**
 * @param {Zone} zone
 * @returns {string | null} null for one too large for a link
 */
export function linkOfZone({ type, coordinates }) {
  let before = [0, 0];
  const polygons = /** @type {number[][][][]} */ (type === 'Polygon' ? [coordinates] : coordinates);
  const ringText = (/** @type {number[][]} */ ring) => {
    const units = ring.slice(0, -1).map((place) => place.slice(0, 2).map((degrees) => Math.round(degrees * UNITS_PER_DEGREE)));
    return units
      .map((place) => {
        const text = place.map((value, axis) => digitsOf(value - before[axis])).join('');
        before = place;
        return text;
      })
      .join('');
  };
  const text = polygons.map((rings) => rings.map(ringText).join('.')).join('..');
  return text.length + 2 > MOST_CHARACTERS ? null : sumOf(text) + text;
}

/**
 * @param {string} link
 * @returns {Zone | null} null for what is no zone
 */
export function zoneOfLink(link) {
  const text = link.slice(2);
  if (!/^[\w.-]{8,}$/.test(text) || link.length > MOST_CHARACTERS || sumOf(text) !== link.slice(0, 2)) return null;
  let before = [0, 0];
  /** @param {string} ringText @returns {number[][]} */
  const ringOf = (ringText) => {
    const differences = numbersOf(ringText);
    const ring = [];
    for (let i = 0; i + 1 < differences.length; i += 2) {
      before = [before[0] + differences[i], before[1] + differences[i + 1]];
      ring.push(before.map((units) => units / UNITS_PER_DEGREE));
    }
    return [...ring, ring[0]];
  };
  const coordinates = text.split('..').map((rings) => rings.split('.').map(ringOf));
  const whole = coordinates.flat().every((ring) => ring.length > 3 && ring.every(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90));
  if (!whole) return null;
  return coordinates.length === 1 ? { type: 'Polygon', coordinates: coordinates[0] } : { type: 'MultiPolygon', coordinates };
}

/** @param {number} difference */
function digitsOf(difference) {
  // No bit operators: they know 32 bits, and the first number of a zone takes 33.
  let left = difference < 0 ? -2 * difference - 1 : 2 * difference;
  let text = '';
  for (; left >= 32; left = Math.floor(left / 32)) text += DIGITS[32 + (left % 32)];
  return text + DIGITS[left];
}

/** @param {string} text */
function numbersOf(text) {
  const numbers = [];
  let [value, weight] = [0, 1];
  for (const digit of text) {
    const bits = DIGITS.indexOf(digit);
    value += (bits % 32) * weight;
    weight *= 32;
    if (bits >= 32) continue;
    numbers.push(value % 2 === 1 ? -(value + 1) / 2 : value / 2);
    [value, weight] = [0, 1];
  }
  return numbers;
}

/** @param {string} text @returns {string} two digits */
function sumOf(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.charCodeAt(0)) % 4096;
  return DIGITS[Math.floor(sum / 64)] + DIGITS[sum % 64];
}
