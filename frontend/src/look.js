/**
 * Looks: how values become colours. A table of 256 colours, or of 64 times 256 where the colour depends on the place in
 * the tile too (patterns repeat every eight pixels, so they meet at the tiles' edges and move with the map).
 */

/** @typedef {import('./api.js').Legend} Legend */
/** @typedef {'official' | 'distinguishable' | 'patterns' | 'confidence'} Look */
/** @typedef {'classes' | 'confidence'} Style of tiles: what their values mean */
/** @typedef {Uint32Array<ArrayBuffer>} ColourTable */
/** @typedef {Pick<import('./state.js').State, 'hidden' | 'look' | 'families'>} Choice */
/** @typedef {{value: number, colour: string, pattern: number}} Painted */

/** @type {readonly Look[]} */
export const LOOKS = ['official', 'distinguishable', 'patterns', 'confidence'];

export const PERIOD_PX = 8;

// One bit a pixel, eight rows of two digits. In the order of the classes, so that those of CoSIA look like what they are:
// walls, dots of gravel, waves, crowns, furrows; none occurs twice.
const PATTERNS = [
  'ff80808080808080',
  '8000000008000000',
  'ff000000ff000000',
  'f0f0f0f00f0f0f0f',
  '8800220088002200',
  '8142241800000000',
  '0010381000000000',
  '10387cfe00000000',
  '3c7e7e7e3c000000',
  '8244281000000000',
  '8040201008040201',
  '4444000011110000',
  '0102040810204080',
  '8888888888888888',
  '8142241818244281',
  'f00000000f000000',
];

// Five colours of matplotlib's viridis (CC0), as the service has them: lightness grows steadily, for every eye.
const RAMP = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/**
 * What the tiles of a collection are asked for: confidence only where there is some.
 *
 * @param {import('./api.js').Collection} collection
 * @param {Look} look
 * @returns {Style}
 */
export function styleOf(collection, look) {
  return look === 'confidence' && collection['cosia:styles']?.includes(look) ? look : 'classes';
}

/**
 * The colour and the pattern of each class.
 *
 * @param {Legend} legend
 * @param {Choice} choice
 * @returns {Painted[]}
 */
export function painted({ classes, families }, { look, families: together }) {
  return classes.map((landCoverClass, i) => {
    const family = families.findIndex(({ id }) => id === landCoverClass.family);
    const { colour, colour_blind } = together ? families[family] : landCoverClass;
    return {
      value: landCoverClass.value,
      colour: look === 'distinguishable' ? (colour_blind ?? colour) : colour,
      pattern: (together ? family : i) % PATTERNS.length,
    };
  });
}

/**
 * @param {Legend} legend
 * @param {Choice} choice
 * @param {Style} style
 * @returns {ColourTable} pixels, RGBA bytes in memory order, `256 × (8 × row + column) + value`
 */
export function tableOf(legend, choice, style) {
  if (style === 'confidence') return CONFIDENCE;
  const shown = painted(legend, choice).filter(({ value }) => value !== 0 && !choice.hidden.includes(value));
  const patterned = choice.look === 'patterns';
  const bytes = new Uint8Array((patterned ? PERIOD_PX ** 2 : 1) * 256 * 4);
  for (const { value, colour, pattern } of shown) {
    const rgb = channels(colour);
    const marked = ink(rgb);
    for (let at = 0; at * 1024 < bytes.length; at++) {
      bytes.set([...(patterned && isMarked(pattern, at) ? marked : rgb), 255], at * 1024 + value * 4);
    }
  }
  return new Uint32Array(bytes.buffer);
}

/** @type {ColourTable} transparent for 0, then dark = uncertain to light = certain */
const CONFIDENCE = new Uint32Array(256);
{
  const bytes = new Uint8Array(CONFIDENCE.buffer);
  for (let value = 1; value < 256; value++) {
    const place = ((value - 1) / 254) * (RAMP.length - 1);
    const step = Math.min(Math.floor(place), RAMP.length - 2);
    bytes.set([...RAMP[step].map((from, i) => Math.round(from + (place - step) * (RAMP[step + 1][i] - from))), 255], value * 4);
  }
}

/** @param {number} pattern @param {number} at row × 8 + column */
function isMarked(pattern, at) {
  const row = Number.parseInt(PATTERNS[pattern].slice((at >> 3) * 2, (at >> 3) * 2 + 2), 16);
  return ((row >> (7 - (at & 7))) & 1) === 1;
}

/** @param {string} colour `#rrggbb` */
function channels(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

/** The colour of a pattern on a colour: towards white on dark ones, towards black on light ones. @param {number[]} rgb */
function ink(rgb) {
  const light = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] > 110;
  return rgb.map((channel) => Math.round(light ? channel * 0.5 : 255 - (255 - channel) * 0.5));
}

/**
 * Paints values through a table.
 *
 * @param {Uint32Array} pixels RGBA, rows of `1 << bits`
 * @param {number} bits
 * @param {Uint32Array} table
 * @param {Uint8Array} values one a pixel
 */
export function paintPixels(pixels, bits, table, values) {
  const mask = table.length - 1;
  for (let i = 0; i < pixels.length; i++) {
    const phase = (((i >> bits) & 7) << 11) | ((i & 7) << 8);
    pixels[i] = table[(phase & mask) | values[i]];
  }
}
