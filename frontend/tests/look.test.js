// @vitest-environment node
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { painted, paintPixels, PERIOD_PX, styleOf, tableOf } from '../src/look.js';
import { ciede2000, mostAlike, SIGHTS } from './colourvision.js';

/** @type {import('../src/api.js').Legend} */
const COSIA = JSON.parse(readFileSync(new URL('../../app/definitions/nomenclatures/cosia.json', import.meta.url), 'utf8'));
const BUILDING = 1;
const CONIFEROUS = 8;
const GREENHOUSE = 15;

/** @type {import('../src/look.js').Choice} */
const OFFICIAL = { hidden: [], look: 'official', families: false };

/** @param {Uint32Array<ArrayBuffer>} table @param {number} at */
const rgba = (table, at) => [...new Uint8Array(table.buffer, at * 4, 4)];

test('a value is painted in its colour, nodata and unknown values not at all', () => {
  const table = tableOf(COSIA, OFFICIAL, 'classes');

  expect(rgba(table, BUILDING)).toEqual([0xce, 0x70, 0x79, 255]);
  expect(rgba(table, CONIFEROUS)).toEqual([0x12, 0x64, 0x21, 255]);
  expect(rgba(table, 0)).toEqual([0, 0, 0, 0]);
  expect(rgba(table, 200)).toEqual([0, 0, 0, 0]);
});

test('a hidden class is transparent, the others stay', () => {
  const table = tableOf(COSIA, { ...OFFICIAL, hidden: [CONIFEROUS] }, 'classes');

  expect(rgba(table, CONIFEROUS)).toEqual([0, 0, 0, 0]);
  expect(rgba(table, BUILDING)[3]).toBe(255);
});

test('classes of a family have its colour when they are shown by family', () => {
  const table = tableOf(COSIA, { ...OFFICIAL, families: true }, 'classes');

  expect(rgba(table, GREENHOUSE)).toEqual(rgba(table, BUILDING));
  expect(rgba(table, GREENHOUSE)).toEqual([0xce, 0x70, 0x79, 255]);
});

describe('patterns', () => {
  const table = tableOf(COSIA, { ...OFFICIAL, look: 'patterns' }, 'classes');

  /** A square of one class, painted. @param {number} value @param {number} bits of its side */
  function square(value, bits) {
    const pixels = new Uint32Array(1 << (2 * bits));
    paintPixels(pixels, bits, table, new Uint8Array(pixels.length).fill(value));
    return pixels;
  }

  test('repeat every eight pixels, so that tiles meet without a seam', () => {
    const pixels = square(BUILDING, 5);

    for (let i = 0; i < 32 * 24; i++) {
      expect(pixels[i + PERIOD_PX * 32]).toBe(pixels[i]);
      if (i % 32 < 24) expect(pixels[i + PERIOD_PX]).toBe(pixels[i]);
    }
  });

  test('have the colour of the class and one other, and differ for every class', () => {
    const drawings = COSIA.classes.map(({ value }) => {
      const cell = square(value, 3);
      const official = tableOf(COSIA, OFFICIAL, 'classes')[value];
      expect(new Set(cell).size).toBe(2);
      expect(cell).toContain(official);
      return [...cell].map((pixel) => (pixel === official ? '.' : '#')).join('');
    });

    expect(new Set(drawings).size).toBe(COSIA.classes.length);
  });
});

test('confidence is asked for only where there is some', () => {
  const layer = { id: 'a', title: 'A', extent: { spatial: { bbox: [[3, 43, 4, 44]] } } };

  expect(styleOf({ ...layer, 'cosia:styles': ['normal', 'confidence'] }, 'confidence')).toBe('confidence');
  expect(styleOf({ ...layer, 'cosia:styles': ['normal'] }, 'confidence')).toBe('classes');
  expect(styleOf({ ...layer, 'cosia:styles': ['normal', 'confidence'] }, 'patterns')).toBe('classes');
});

test('confidence is painted from dark to light, nodata not at all', () => {
  const table = tableOf(COSIA, OFFICIAL, 'confidence');

  expect(rgba(table, 0)).toEqual([0, 0, 0, 0]);
  expect(rgba(table, 1)).toEqual([68, 1, 84, 255]);
  expect(rgba(table, 128)).toEqual([33, 145, 140, 255]);
  expect(rgba(table, 255)).toEqual([253, 231, 37, 255]);
});

// Pairs 1, 7, 17 and 23 of the test data of Sharma, Wu and Dalal 2005, table 1.
test.each(/** @type {[number[], number[], number][]} */ ([
  [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
  [[50, 0, 0], [50, -1, 2], 2.3669],
  [[50, 2.5, 0], [73, 25, -18], 27.1492],
  [[22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619], 2.0373],
]))('the colour difference of %j and %j is the published one', (one, other, expected) => {
  expect(ciede2000(/** @type {any} */ (one), /** @type {any} */ (other))).toBeCloseTo(expected, 4);
});

/** @param {boolean} families @param {import('../src/look.js').Look} look */
function colours(families, look) {
  return [...new Set(painted(COSIA, { ...OFFICIAL, families, look }).map(({ colour }) => colour))];
}

test('the official colours are hard to tell apart, as was measured before', () => {
  expect(mostAlike(colours(false, 'official'), 'every cone').distance).toBeCloseTo(8.3, 1);
  expect(mostAlike(colours(false, 'official'), 'deuteranopia').distance).toBeCloseTo(1.4, 1);
});

test.each(Object.keys(SIGHTS))('colours for every eye stay apart with %s', (sight) => {
  expect(colours(false, 'distinguishable')).toHaveLength(16);
  expect(mostAlike(colours(false, 'distinguishable'), sight).distance).toBeGreaterThan(10);
  expect(colours(true, 'distinguishable')).toHaveLength(7);
  expect(mostAlike(colours(true, 'distinguishable'), sight).distance).toBeGreaterThan(16);
});
