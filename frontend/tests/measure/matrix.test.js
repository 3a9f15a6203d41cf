import { expect, test, vi } from 'vitest';

import { matrixRows, matrixTable } from '../../src/measure/matrix.js';
import { changes } from './changefigures.js';

/** @param {Partial<Parameters<typeof matrixTable>[1]>} [options] */
function table(options = {}) {
  return matrixTable(changes(), { only: null, swatch: () => document.createElement('i'), onChoose: () => {}, ...options });
}

test('the file has a row per earlier class, what was lost and gained, totals and balance', () => {
  expect(matrixRows(changes())).toEqual([
    ['2021 \\ 2024 (m²)', 'Bâtiment', 'Eau', 'Terre labourée', 'Perdu', 'Total 2021'],
    ['Bâtiment', 19_000, 0, 1000, 1000, 20_000],
    ['Eau', 0, 7000, 3000, 3000, 10_000],
    ['Terre labourée', 16_000, 5000, 49_000, 21_000, 70_000],
    ['Gagné', 16_000, 5000, 4000],
    ['Total 2024', 35_000, 12_000, 53_000],
    ['Solde', 15_000, 2000, -17_000],
  ]);
});

test('each passage is named for those who do not see the table, and what did not change is no choice', () => {
  const names = [...table().querySelectorAll('button')].map((button) => button.getAttribute('aria-label'));

  expect(names).toEqual([
    'de bâtiment à terre labourée, 0,10 ha',
    'd’eau à terre labourée, 0,30 ha',
    'de terre labourée à bâtiment, 1,60 ha',
    'de terre labourée à eau, 0,50 ha',
  ]);
  expect([...table().querySelectorAll('.kept')].map((cell) => cell.textContent)).toEqual(['1,90', '0,70', '4,90']);
});

test('a passage is chosen, and chosen again it is given up', () => {
  const onChoose = vi.fn();

  table({ onChoose }).querySelector('button')?.click();
  expect(onChoose).toHaveBeenLastCalledWith([1, 12]);
  const chosen = table({ onChoose, only: [1, 12] }).querySelector('button');
  expect(chosen?.getAttribute('aria-pressed')).toBe('true');
  chosen?.click();
  expect(onChoose).toHaveBeenLastCalledWith(null);
});

test('the Tab key stops once, arrows go from passage to passage over what is none', () => {
  const shown = table();
  document.body.replaceChildren(shown);
  const [first, second, third] = shown.querySelectorAll('button');
  expect([...shown.querySelectorAll('button')].map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1, -1]);
  const press = (/** @type {string} */ key) => document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));

  first.focus();
  press('ArrowDown');
  expect(document.activeElement).toBe(second);
  press('ArrowLeft');
  expect(document.activeElement).toBe(second);
  third.focus();
  press('ArrowRight');
  expect(document.activeElement?.getAttribute('aria-label')).toContain('à eau');
  expect(third.tabIndex).toBe(-1);
});
