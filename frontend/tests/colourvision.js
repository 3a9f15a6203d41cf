/** How far apart two colours are, for the eye of everybody and for eyes that lack one kind of cone. */

/** @typedef {[number, number, number]} Triple */

/**
 * Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency", IEEE
 * Transactions on Visualization and Computer Graphics 15(6), severity 1.0; rows, on linear RGB.
 *
 * @type {Record<string, Triple[]>}
 */
export const SIGHTS = {
  'every cone': [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** IEC 61966-2-1: linear sRGB to CIE XYZ under D65, and the white of it. @type {Triple[]} */
const TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]];
const WHITE = [0.95047, 1, 1.08883];

/** @param {Triple[]} matrix @param {readonly number[]} vector */
const times = (matrix, vector) => /** @type {Triple} */ (matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * vector[i], 0)));

/**
 * CIELAB of a colour as an eye sees it.
 *
 * @param {string} colour `#rrggbb`
 * @param {string} [sight] one of SIGHTS
 * @returns {Triple}
 */
export function lab(colour, sight = 'every cone') {
  const linear = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const seen = times(SIGHTS[sight], linear).map((share) => Math.min(1, Math.max(0, share)));
  const [x, y, z] = times(TO_XYZ, seen).map((value, i) => {
    const share = value / WHITE[i];
    return share > 216 / 24389 ? Math.cbrt(share) : ((24389 / 27) * share + 16) / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const DEGREE = Math.PI / 180;
const cos = (/** @type {number} */ degrees) => Math.cos(degrees * DEGREE);
const sin = (/** @type {number} */ degrees) => Math.sin(degrees * DEGREE);

/**
 * The colour difference CIEDE2000 (CIE 142-2001; in the notation of Sharma, Wu and Dalal 2005, equations 2-22).
 *
 * @param {Triple} one CIELAB
 * @param {Triple} other CIELAB
 */
export function ciede2000([l1, a1, b1], [l2, a2, b2]) {
  const farGrey = (/** @type {number} */ chroma) => Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7));
  const g = 0.5 * (1 - farGrey((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (/** @type {number} */ a, /** @type {number} */ b) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / DEGREE + 360) % 360);
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];

  const grey = c1 * c2 === 0;
  let turn = grey ? 0 : h2 - h1;
  if (turn > 180) turn -= 360;
  else if (turn < -180) turn += 360;
  const dL = l2 - l1;
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * sin(turn / 2);

  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  let h = (h1 + h2) / (grey ? 1 : 2);
  if (!grey && Math.abs(h1 - h2) > 180) h += h1 + h2 < 360 ? 180 : -180;
  const t = 1 - 0.17 * cos(h - 30) + 0.24 * cos(2 * h) + 0.32 * cos(3 * h + 6) - 0.2 * cos(4 * h - 63);
  const sL = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sC = 1 + 0.045 * c;
  const sH = 1 + 0.015 * c * t;
  const rotation = -sin(60 * Math.exp(-(((h - 275) / 25) ** 2))) * 2 * farGrey(c);
  return Math.sqrt((dL / sL) ** 2 + (dC / sC) ** 2 + (dH / sH) ** 2 + rotation * (dC / sC) * (dH / sH));
}

/**
 * The two colours that look most alike, and how far apart they are.
 *
 * @param {readonly string[]} colours `#rrggbb`
 * @param {string} sight
 * @returns {{distance: number, pair: [string, string]}}
 */
export function mostAlike(colours, sight) {
  const seen = colours.map((colour) => lab(colour, sight));
  const pairs = colours.flatMap((one, i) =>
    colours.slice(i + 1).map((other, j) => ({ distance: ciede2000(seen[i], seen[i + 1 + j]), pair: /** @type {[string, string]} */ ([one, other]) })),
  );
  return pairs.reduce((best, next) => (next.distance < best.distance ? next : best));
}
