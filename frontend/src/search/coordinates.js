/**
 * Coordinates as people write them: decimal degrees in either order, with commas or points; degrees, minutes and seconds;
 * metres of Lambert-93, of the conic zones CC42 to CC50 and of the UTM grids overseas.
 */
import { conicZone, gridAt, gridPlaces } from '../projection.js';

/** @typedef {'latLon' | 'lonLat'} Order */
/**
 * @typedef {object} Spot
 * @property {number} lon degrees
 * @property {number} lat
 * @property {string} system name of the grid; empty for degrees
 * @property {Order | null} order where the text may be read in either
 */
/**
 * What a text means as coordinates: places, the likelier first; none where they are out of every range. null: it is
 * something else.
 *
 * @typedef {Spot[] | null} Reading
 */
/** @typedef {{value: number, axis: 'lat' | 'lon' | null}} Angle */

// What may stand between numbers; letters are points of the compass, in French (O) or English (W).
const COORDINATES = /^[\d\s.,;/+\-°'"NSEWO]+$/;
const SIGNS = [
  [/[−–—]/g, '-'],
  [/[º˚]/g, '°'],
  [/[′’‘]/g, "'"],
  [/[″”“]|''/g, '"'],
  [/\u00a0|\u202f|\u2009/g, ' '],
];
const NUMBER = /[+-]?\d+(?:\.\d+)?/g;
const GROUPED = /^[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?$/;
// More than degrees can be: four figures in front of the point, or a space before the last three.
const HUNDREDS = /(?:^|[^.\d])\d{4}|\d \d{3}(?!\d)/;
const LEAST_M = 1000;
// Of the conic zones, in Brittany; metres of Lambert-93 lie below it, but in Corsica.
const WESTERNMOST_M = 1_050_000;

/** @param {string} text @returns {Reading} */
export function readCoordinates(text) {
  const written = clean(text);
  const numbers = written.match(/\d+/g) ?? [];
  // `43,3` is the beginning of `43,36 3,87`.
  if (!COORDINATES.test(written) || numbers.length < 2 || /^[+-]?\d+[.,]\d+$/.test(written)) return null;
  const plain = withPoints(written);
  const pair = plainPair(plain);
  if (pair) return pair.every((value) => Math.abs(value) >= LEAST_M) ? metres(pair) : degrees(pair);
  const angles = anglesOf(plain);
  if (!angles) return /[NSEWO°'"]/.test(plain) ? [] : null;
  return named(angles) ?? degrees(angles.map(({ value }) => value));
}

/** @param {string} text */
function clean(text) {
  const plain = SIGNS.reduce((changed, [pattern, sign]) => changed.replace(pattern, /** @type {string} */ (sign)), text.trim());
  return plain
    .replace(/\b(?:wgs ?84|lambert[ -]?93|l93|epsg:\d+|lat(?:itude)?|lon(?:gitude)?|lng|[xy]|m)\b[:=]?/gi, ' ')
    .toUpperCase()
    .trim();
}

/**
 * Commas that stand for points are made points, others separators: `43,6 3,9`, `43,6, 3,9`, `43,6,3,9`, `43.6,3.9`.
 *
 * @param {string} text
 */
function withPoints(text) {
  const quadruple = /^([+-]?\d+),(\d+)\s*[,;/]\s*([+-]?\d+),(\d+)$/;
  if (quadruple.test(text)) return text.replace(quadruple, '$1.$2;$3.$4');
  const decimals = !text.includes('.') && /\d,\d/.test(text) && /[\s;/NSEWO°]/.test(text.replaceAll(/\s*([,;/])\s*/g, '$1 '));
  return (decimals ? text.replaceAll(/(\d),(?=\d)/g, '$1.') : text).replaceAll(/[,/]/g, ';');
}

/**
 * Two numbers and nothing else, perhaps with spaces between thousands.
 *
 * @param {string} text
 * @returns {[number, number] | null}
 */
function plainPair(text) {
  const lettered = text.replaceAll(/[NE]/g, ' ').trim();
  const isMetres = /[NE]/.test(text) && !/[SWO°'"]/.test(text) && HUNDREDS.test(lettered);
  if (/[NSEWO°'"]/.test(text) && !isMetres) return null;
  // E and N in front of metres: the order is that of the letters.
  const swapped = isMetres && text.indexOf('N') < text.indexOf('E');
  const parts = lettered.split(/\s*;\s*|\s{2,}/).filter(Boolean);
  const words = lettered.replaceAll(';', ' ').split(/\s+/);
  const pairs = parts.length === 2 ? [parts] : words.slice(1).map((_, at) => [words.slice(0, at + 1).join(' '), words.slice(at + 1).join(' ')]);
  const found = pairs.find((pair) => pair.every(isNumber));
  if (!found) return null;
  const [first, second] = found.map((word) => Number(word.replaceAll(' ', '')));
  return swapped ? [second, first] : [first, second];
}

/** @param {string} word */
const isNumber = (word) => /^[+-]?\d+(?:\.\d+)?$/.test(word) || GROUPED.test(word);

/**
 * Two angles of degrees, minutes and seconds; null where the text has other parts.
 *
 * @param {string} text
 * @returns {Angle[] | null}
 */
function anglesOf(text) {
  const parts = partsOf(text);
  const angles = parts?.map(angleOf);
  return angles?.length === 2 && angles.every((angle) => angle !== null) ? /** @type {Angle[]} */ (angles) : null;
}

/** @param {string} text */
function partsOf(text) {
  const letters = (text.match(/[NSEWO]/g) ?? []).length;
  if (letters === 2) return text.match(/^[NSEWO]/) ? text.match(/[NSEWO][^NSEWO]+/g) : text.match(/[^NSEWO]+[NSEWO]/g);
  if (letters > 0) return null;
  if (text.includes(';')) return text.split(';');
  if (text.includes('°')) return text.match(/[+-]?[\d.]+\s*°[^°]*?(?=[+-]?[\d.]+\s*°|$)/g);
  const words = text.split(/\s+/);
  const half = words.length / 2;
  return [4, 6].includes(words.length) ? [words.slice(0, half).join(' '), words.slice(half).join(' ')] : null;
}

/** @param {string} part @returns {Angle | null} */
function angleOf(part) {
  const letter = part.match(/[NSEWO]/)?.[0] ?? '';
  const numbers = (part.match(NUMBER) ?? []).map(Number);
  const [whole = Number.NaN, ...sixtieths] = numbers;
  const fits = numbers.length <= 3 && sixtieths.every((value) => value >= 0 && value < 60) && numbers.slice(0, -1).every(Number.isInteger);
  if (!fits || Number.isNaN(whole)) return null;
  const [minutes = 0, seconds = 0] = sixtieths;
  const size = Math.abs(whole) + minutes / 60 + seconds / 3600;
  const negative = /[SWO]/.test(letter) || part.trim().replace(/^[NSEWO]\s*/, '').startsWith('-');
  return { value: negative ? -size : size, axis: letter === '' ? null : /[NS]/.test(letter) ? 'lat' : 'lon' };
}

/** Angles whose letters say which is which; null without letters. @param {Angle[]} angles @returns {Spot[] | null} */
function named(angles) {
  const lat = angles.find(({ axis }) => axis === 'lat');
  const lon = angles.find(({ axis }) => axis === 'lon');
  if (angles.every(({ axis }) => axis === null)) return null;
  return lat && lon && isOnEarth(lon.value, lat.value) ? [{ lon: lon.value, lat: lat.value, system: '', order: null }] : [];
}

/**
 * Degrees in an order that nobody told: France decides, else both are offered.
 *
 * @param {number[]} pair
 * @returns {Spot[]}
 */
function degrees([first, second]) {
  /** @type {Spot[]} */
  const both = [
    { lat: first, lon: second, system: '', order: 'latLon' },
    { lat: second, lon: first, system: '', order: 'lonLat' },
  ];
  const possible = both.filter(({ lon, lat }) => isOnEarth(lon, lat));
  const french = possible.filter(({ lon, lat }) => gridAt(lon, lat));
  const found = french.length === 1 ? french : possible;
  return found.length === 1 ? [{ ...found[0], order: null }] : found;
}

/**
 * Metres, east before north as they are usually written, or else the other way round.
 *
 * @param {[number, number]} pair
 * @returns {Spot[]}
 */
function metres([first, second]) {
  const inOrder = placesIn(first, second);
  const found = inOrder.length > 0 ? inOrder : placesIn(second, first);
  return found.map(({ name, lon, lat }) => ({ lon, lat, system: name, order: null }));
}

/** @param {number} x @param {number} y */
function placesIn(x, y) {
  return [...gridPlaces(x, y), ...conicPlaces(x, y)];
}

/**
 * The conic zone that metres northwards tell: each has a million of its own, and reaches a degree to either side.
 *
 * @param {number} x
 * @param {number} y
 */
function conicPlaces(x, y) {
  const parallel = Math.round((y - 200_000) / 1e6) + 41;
  if (parallel < 42 || parallel > 50 || x < WESTERNMOST_M) return [];
  const [lon, lat] = conicZone(parallel).inverse(x, y);
  return Math.abs(lat - parallel) <= 1 && gridAt(lon, lat)?.name === 'Lambert-93' ? [{ name: `CC${parallel}`, lon, lat }] : [];
}

/** @param {number} lon @param {number} lat */
const isOnEarth = (lon, lat) => Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
