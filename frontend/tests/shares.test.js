// @vitest-environment node
import { expect, test } from 'vitest';

import { countOf, mappedShare, shareOf, sharesNote, shareText } from '../src/shares.js';
import * as i18n from '../src/i18n.js';

/** @param {Record<number, number>} pixels of each value @param {number} [pixel_m] */
function count(pixels, pixel_m = 0.29) {
  const counts = new Uint32Array(256);
  for (const [value, n] of Object.entries(pixels)) counts[Number(value)] = n;
  return countOf({ counts, pixel_m }, 46.5, 0.2);
}

const CLASSES = /** @type {const} */ ('classes');

test('shares are of what is mapped, the rest of the view is told beside them', () => {
  const view = count({ 0: 600, 1: 100, 9: 300 });

  expect(shareOf(view, [1])).toBe(0.25);
  expect(shareOf(view, [1, 9])).toBe(1);
  expect(mappedShare(view)).toBe(0.4);
  expect(shareOf(count({ 0: 600 }), [1])).toBe(0);
});

test('a pixel of level 19 is as fine as the data in France, one of level 18 is not', () => {
  expect(count({ 1: 1 }, 0.2986).exact).toBe(true); // 0.2986 m × cos 46.5° = 0.206 m
  expect(count({ 1: 1 }, 0.5972).exact).toBe(false);
});

test.each([
  [0, '0 %'],
  [0.0004, '< 0,1 %'],
  [0.1234, '12,3 %'],
  [0.99999, '> 99,9 %'],
  [1, '100 %'],
])('%d is written %s', (share, text) => {
  expect(i18n.language()).toBe('fr');
  expect(shareText(share).replaceAll(/[\u00a0\u202f]/g, ' ')).toBe(text);
});

test('a coarse view says so, and a view with gaps, and an empty one', () => {
  expect(sharesNote(count({ 1: 10 }), CLASSES)).toContain('pixel par pixel');
  expect(sharesNote(count({ 1: 10 }, 2.4), CLASSES)).toContain('un pixel y fait 1,7 m'); // 2.4 × cos 46.5° = 1.65
  expect(sharesNote(count({ 0: 30, 1: 10 }), CLASSES)).toMatch(/25,0.% de la vue est cartographié/);
  expect(sharesNote(count({ 0: 30 }), CLASSES)).toContain('Rien');
});

test('below half, the other classes together were likelier', () => {
  expect(sharesNote(count({ 100: 10, 127: 10, 128: 20, 255: 40 }), 'confidence')).toMatch(/^25,0.% /);
});
