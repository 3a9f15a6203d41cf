// @vitest-environment jsdom
import { beforeEach, expect, test } from 'vitest';

import { areaText, chooseLanguage, durationText, setLanguage, t, translate } from '../src/i18n.js';

beforeEach(() => setLanguage('fr'));

test.each([
  [['de-DE', 'en-GB', 'fr'], null, 'en'],
  [['fr-CA'], null, 'fr'],
  [['fr-FR'], 'en', 'en'],
  [['de', 'it'], null, 'fr'],
])('of %j, having chosen %j before, the page speaks %s', (preferred, remembered, expected) => {
  expect(chooseLanguage(preferred, remembered)).toBe(expected);
});

test('values take their place in a text', () => {
  expect(t('blocks', { done: 3, total: 9 })).toBe('3 / 9 blocs');
});

test('what an API says stays text', () => {
  document.body.innerHTML = '<p data-i18n="launch"></p>';
  const slot = document.createElement('p');
  slot.textContent = t('noPrediction', { reason: '<img src=x onerror=alert(1)>' });
  translate(document.body);

  expect(slot.children).toHaveLength(0);
  expect(document.body.textContent).toBe('Lancer la prédiction');
});

test.each([
  [9_999, '9 999 m²'],
  [123_456, '12,35 ha'],
  [25_000_000, '25 km²'],
])('%d m² reads %s', (area_m2, expected) => {
  // French groups digits by a narrow no-break space.
  expect(areaText(area_m2).replaceAll('\u202f', ' ')).toBe(expected);
});

test.each([
  [0.2, '1 s'],
  [89, '89 s'],
  [90, '2 min'],
  [5400, '1,5 h'],
])('%d s reads %s', (seconds, expected) => {
  expect(durationText(seconds)).toBe(expected);
});
