import { beforeEach, expect, test } from 'vitest';

import { setLanguage } from '../src/i18n.js';
import { frameOfZone, pixelOf } from '../src/share/frame.js';
import { layoutOf, linesOf, roundLength_m } from '../src/share/layout.js';
import { cornersText, groundPixel_m, measured, rowsOf, scaleBar } from '../src/share/words.js';

beforeEach(() => setLanguage('en'));

const LEGEND = /** @type {import('../src/api.js').Legend} */ (
  /** @type {unknown} */ ({
    families: [
      { id: 'built', title_fr: 'Bâti', title_en: 'built' },
      { id: 'water', title_fr: 'Eau', title_en: 'water' },
    ],
    classes: [
      { value: 1, title_fr: 'Bâtiment', title_en: 'building', family: 'built' },
      { value: 6, title_fr: 'Eau', title_en: 'water', family: 'water' },
      { value: 15, title_fr: 'Serre', title_en: 'greenhouse', family: 'built' },
    ],
  })
);
const ALL = { hidden: [], look: /** @type {const} */ ('official'), families: false };
const titles = (/** @type {{title: string}[]} */ rows) => rows.map(({ title }) => title);

test('a legend has the classes that are seen, or all, and none that is hidden', () => {
  expect(titles(rowsOf(LEGEND, ALL, 'classes', new Set([0, 6])))).toEqual(['Water']);
  expect(titles(rowsOf(LEGEND, ALL, 'classes', null))).toEqual(['Building', 'Water', 'Greenhouse']);
  expect(titles(rowsOf(LEGEND, { ...ALL, hidden: [6] }, 'classes', null))).toEqual(['Building', 'Greenhouse']);
});

test('a family is seen if one of its classes is, in the colour of one that is drawn', () => {
  expect(rowsOf(LEGEND, { ...ALL, families: true, hidden: [1] }, 'classes', new Set([15]))).toEqual([
    { title: 'Built', values: [15], figure: '' },
  ]);
});

test('a confidence has a legend of percentages', () => {
  expect(rowsOf(LEGEND, ALL, 'confidence', new Set()).map(({ title, values }) => [title, values])).toEqual([
    ['0%', [1]], ['25%', [64]], ['50%', [128]], ['75%', [191]], ['100%', [255]],
  ]);
});

test('areas are added up by row, the largest first', () => {
  const areas = [
    { value: 1, area_m2: 30_000, share: 0.3 },
    { value: 15, area_m2: 10_000, share: 0.1 },
    { value: 6, area_m2: 60_000, share: 0.6 },
  ];

  expect(measured(rowsOf(LEGEND, { ...ALL, families: true }, 'classes', null), areas).map(({ title, figure }) => [title, figure])).toEqual([
    ['Water', '6 ha · 60.0%'],
    ['Built', '4 ha · 40.0%'],
  ]);
});

// On the 60th parallel a metre of Web Mercator is half a metre on the ground: y = R ln tan(75°) = 8 399 737.89 m.
const SIXTY = 8_399_737.89;
const FRAME = { extent: [0, SIXTY - 400, 1000, SIXTY + 400], width: 500, height: 400 };

test('the scale is that of the ground', () => {
  expect(pixelOf(FRAME)).toBe(2);
  expect(groundPixel_m(FRAME)).toBeCloseTo(1, 5);
  // A quarter of 500 pixels of a metre: 125 m at most.
  expect(scaleBar(FRAME).words).toBe('100 m');
  expect(scaleBar(FRAME).bar_px).toBeCloseTo(100, 3);
});

test.each([
  [9, 5],
  [20, 20],
  [499, 200],
  [1999, 1000],
  [0.7, 0.5],
])('no more than %s m is %s m', (most_m, length_m) => {
  expect(roundLength_m(most_m)).toBeCloseTo(length_m, 9);
});

test('corners are told in degrees, and in the grid of the territory', () => {
  // (3°, 46.5°) is the origin of Lambert-93: 700 000, 6 600 000.
  const [x, y] = [333_958.472, 5_860_839.83];

  expect(cornersText({ extent: [x, y, x, y], width: 1, height: 1 })).toMatch(
    /^South-west corner: 46\.50000° N {2}3\.00000° E · Lambert-93 700,000 6,600,000\. North-east/,
  );
});

test('a zone is framed whole, with a margin, in square pixels no finer than allowed', () => {
  const large = frameOfZone([0, 0, 984, 492], 1000, 0.1);
  expect([large.width, large.height]).toEqual([1000, 508]);
  expect(large.extent).toEqual([-8, -8, 992, 500]);

  const small = frameOfZone([0, 0, 10, 5], 1000, 0.1);
  expect([small.width, small.height]).toEqual([116, 66]);
  expect(pixelOf(small)).toBeCloseTo(0.1, 9);
});

const measure = (/** @type {string} */ text, /** @type {{size_px: number}} */ { size_px }) => text.length * size_px * 0.6;
const WORDS = {
  title: 'Town',
  under: ['Imagery: 2021'],
  warning: 'Demonstration data.',
  legend: 'Legend',
  rows: Array.from({ length: 17 }, (_, i) => ({ title: `Class number ${i}`, values: [i + 1], figure: '1.2 ha · 3.4%' })),
  scale: '100 m',
  foot: ['A sentence that is long enough to be broken into several lines on a picture that is as narrow as a phone.'],
};

test.each([
  ['beside a wide map', { width: 1000, height: 700 }, 1],
  ['beside a map that is less high', { width: 900, height: 200 }, 2],
  ['under the map of a phone', { width: 390, height: 500 }, 1],
  ['under a tiny map', { width: 60, height: 40 }, 2],
])('the legend stands %s; nothing lies over anything else or beyond the edge', (_, map, unit) => {
  const layout = layoutOf({ map, bar_px: map.width / 4, unit, words: WORDS, measure });
  const texts = layout.texts.map(({ text, x, y, align, ...type }) => {
    const width = measure(text, type);
    const left = align === 'right' ? x - width : align === 'center' ? x - width / 2 : x;
    return { text, x: left, y: y - type.size_px * 0.8, width, height: type.size_px * 0.8 };
  });
  const boxes = [...texts, ...layout.swatches.map(({ box }) => ({ text: '', ...box })), { text: 'map', ...layout.map }];

  expect(layout.swatches).toHaveLength(17);
  for (const [i, a] of boxes.entries()) {
    expect([a.text, a.x >= 0 && a.y >= 0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height]).toEqual([a.text, true]);
    for (const b of boxes.slice(i + 1)) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect([a.text, b.text, apart]).toEqual([a.text, b.text, true]);
    }
  }
});

test('lines are broken between words only', () => {
  const chars = (/** @type {string} */ text) => text.length;

  expect(linesOf('one two three', 7, chars)).toEqual(['one two', 'three']);
  expect(linesOf('incomprehensibilities are long', 8, chars)).toEqual(['incomprehensibilities', 'are long']);
});
