import { afterEach, expect, test } from 'vitest';

import { csvText, tabbedText } from '../src/csv.js';
import { setLanguage } from '../src/i18n.js';

afterEach(() => setLanguage('fr'));

const ROWS = [
  ['Classe', 'Part (%)'],
  ['Sol nu ; "gravier"', 12.5],
  ['Eau', null],
];

test('in French cells are parted by semicolons, fractions by a comma, and Excel sees UTF-8', () => {
  expect(csvText(ROWS)).toBe('\uFEFFClasse;Part (%)\r\n"Sol nu ; ""gravier""";12,5\r\nEau;\r\n');
});

test('in English cells are parted by commas, fractions by a point', () => {
  setLanguage('en');

  expect(csvText([['a, b', 0.5]])).toBe('\uFEFF"a, b",0.5\r\n');
});

test('what is pasted has tabs between cells and one line a row', () => {
  expect(tabbedText([['a\tb\nc', 1.5], ['d', 2]])).toBe('a b c\t1,5\nd\t2');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)'])('a title that begins like a formula (%s) stays a text', (title) => {
  expect(csvText([[title]])).toBe(`\uFEFF'${title}\r\n`);
});

test('a negative number stays a number', () => {
  expect(csvText([[-3.25]])).toBe('\uFEFF-3,25\r\n');
});
