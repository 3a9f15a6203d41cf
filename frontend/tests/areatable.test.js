import { expect, test } from 'vitest';

import { classRows, familyRows } from '../src/areatable.js';

const family = (/** @type {string} */ id) => ({ id, title_fr: id, title_en: id, colour: '#102030', colour_blind: '#102030' });
const one = (/** @type {number} */ value, /** @type {string} */ name, /** @type {string} */ of) => ({
  value, code: name, title_fr: name, title_en: name, colour: '#405060', family: of, definition_fr: '', definition_en: '',
});
const LEGEND = {
  classes: [one(1, 'bâtiment', 'bâti'), one(5, 'eau', 'eaux'), one(9, 'feuillu', 'arbres'), one(8, 'conifère', 'arbres')],
  families: [family('bâti'), family('eaux'), family('arbres')],
};
const AREAS = [
  { ...LEGEND.classes[0], area_m2: 30, share: 0.3 },
  { ...LEGEND.classes[2], area_m2: 25, share: 0.25 },
  { ...LEGEND.classes[3], area_m2: 45, share: 0.45 },
];

test('classes come largest first', () => {
  expect(classRows(AREAS).map(({ title, area_m2 }) => [title, area_m2])).toEqual([['conifère', 45], ['bâtiment', 30], ['feuillu', 25]]);
});

test('a family has what its classes have, and one without area no row', () => {
  expect(familyRows(AREAS, LEGEND).map(({ title, area_m2, share }) => [title, area_m2, share])).toEqual([
    ['arbres', 70, 0.7],
    ['bâti', 30, 0.3],
  ]);
});
