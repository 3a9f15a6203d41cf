import { expect, test } from 'vitest';

import { setLanguage } from '../src/i18n.js';
import { confidenceText, describe, gridText, vintageText } from '../src/readout.js';

setLanguage('en');

/** @param {Partial<import('../src/api.js').PointEntry>} more @returns {import('../src/api.js').PointEntry} */
const entry = (more) => ({
  layer: 'now',
  title: 'Now',
  vintage: 2024,
  value: 1,
  title_fr: 'Bâtiment',
  title_en: 'building',
  confidence: 0.874,
  ...more,
});

/** @param {...import('../src/api.js').PointEntry} layers */
const answer = (...layers) => ({ lon: 3, lat: 43, layers });

test('class and confidence of the layer that is drawn come together', () => {
  const sight = { layer: 'now', value: 1, style: /** @type {const} */ ('classes') };

  expect(describe(sight, answer(entry({ layer: 'before', confidence: 0.1 }), entry({})))).toEqual({ value: 1, confidence: 0.874 });
  expect(describe(sight, null)).toEqual({ value: 1, confidence: null });
});

test('the confidence of another class than the one that an overview shows is not told', () => {
  const sight = { layer: 'now', value: 9, style: /** @type {const} */ ('classes') };

  expect(describe(sight, answer(entry({})))).toEqual({ value: 9, confidence: null });
});

test('where confidence is drawn the class is the one that the service tells', () => {
  const sight = { layer: 'now', value: 51, style: /** @type {const} */ ('confidence') };

  expect(describe(sight, answer(entry({})))).toEqual({ value: 1, confidence: 0.2 });
  expect(describe({ ...sight, value: 0 }, answer(entry({})))).toEqual({ value: null, confidence: null });
});

test('a prediction is no published layer', () => {
  expect(describe({ layer: null, value: 9, style: 'classes' }, answer(entry({ value: 9 })))).toEqual({ value: 9, confidence: null });
});

test.each([
  [0.999, '99% sure'],
  [0.5, '50% sure'],
  [0.499, 'uncertain, 49% sure'],
])('a confidence of %d reads %s', (confidence, text) => {
  expect(confidenceText(confidence)).toBe(text);
});

test.each([
  [{}, '2024 Building'],
  [{ vintage: null }, 'Now Building'],
  [{ value: 0 }, '2024 Not mapped'],
  [{ value: null, title_fr: null, title_en: null, confidence: null }, '2024 Not mapped'],
  [{ confidence: 0.31 }, '2024 Building (uncertain, 31% sure)'],
  [{ confidence: null }, '2024 Building'],
])('the other vintage of %j reads %s', (more, text) => {
  expect(vintageText(entry(more))).toBe(text);
});

// From PROJ: EPSG:4326 to the grid of each territory.
test.each([
  [2.3522, 48.8566, 'Lambert-93 652,469 6,862,035'],
  [55.45, -20.88, 'UTM 40S 338,767 7,690,356'],
  [-40, 30, ''],
])('coordinates at %d, %d are %s', (lon, lat, text) => {
  expect(gridText(lon, lat)).toBe(text);
});
