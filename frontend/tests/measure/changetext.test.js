import { afterEach, expect, test } from 'vitest';

import { setLanguage } from '../../src/i18n.js';
import { changeCautions, changeSentences } from '../../src/measure/changetext.js';
import { changes } from './changefigures.js';

afterEach(() => setLanguage('fr'));

/** @param {string[]} sentences with ordinary spaces */
const plain = (sentences) => sentences.map((sentence) => sentence.replaceAll(/[\u00a0\u202f]/g, ' '));

const UNKNOWN = { from: null, to: null };

test('in French the sentences tell how much, from what to what, and what gained and lost', () => {
  expect(plain(changeSentences(changes()))).toEqual([
    'Entre 2021 et 2024, l’occupation du sol a changé sur 2,5 ha, soit 25,0 % de ce qui est comparé : surtout de terre labourée à bâtiment (1,6 ha), de terre labourée à eau (5 000 m²) et d’eau à terre labourée (3 000 m²).',
    'Ce qui gagne le plus : bâtiment (+ 1,5 ha) et eau (+ 2 000 m²).',
    'Ce qui perd le plus : terre labourée (− 1,7 ha).',
  ]);
});

test('in English too', () => {
  setLanguage('en');

  expect(plain(changeSentences(changes()))).toEqual([
    'Between 2021 and 2024, land cover changed on 2.5 ha, 25.0% of what is compared: mostly from plowed land to building (1.6 ha), from plowed land to water (5,000 m²), and from water to plowed land (3,000 m²).',
    'What gained most: building (+ 1.5 ha) and water (+ 2,000 m²).',
    'What lost most: plowed land (− 1.7 ha).',
  ]);
});

test('few passages are all told, without a "mostly"', () => {
  const one = changes();
  one.transitions = one.transitions.filter(({ from, to }) => from === to || (from === 12 && to === 1));

  expect(changeSentences(one)[0]).toMatch(/comparé : de terre labourée à bâtiment \(1,6 ha\)\.$/);
});

test('where nothing changed, or nothing can be compared, that is all there is to say', () => {
  expect(changeSentences({ ...changes(), changed_m2: 0 })).toEqual(['Entre 2021 et 2024, rien n’a changé.']);
  expect(changeSentences({ ...changes(), compared_m2: 0 })).toEqual(['Aucun endroit n’y est cartographié dans les deux couches.']);
});

test('layers without a year of their own are told by their titles', () => {
  const undated = { ...changes(), changed_m2: 0, from: { ...changes().from, vintage: null } };

  expect(plain(changeSentences(undated))[0]).toBe('De « Carte 2021 » à « Carte 2024 », rien n’a changé.');
});

test('both maps err: what their accuracies allow for is said where they are known', () => {
  const known = { from: { overall_accuracy: 0.9, mean_iou: 0.7 }, to: { overall_accuracy: 0.95, mean_iou: 0.8 } };

  // 10 % of errors and 5 % of errors, none in the same place: 15 % of the pixels seem to change.
  expect(plain(changeCautions(changes(), known))).toEqual([
    '20,0 % de ces changements bordent une classe déjà là : un léger décalage entre les deux images suffit à les expliquer.',
    'Les erreurs des deux cartes comptent comme des changements. Exactitude globale : 90,0 %, puis 95,0 % ; à elles seules, elles peuvent en simuler jusqu’à 15,0 %.',
  ]);
  expect(changeCautions(changes(), UNKNOWN)[1]).toContain('n’est pas connue');
});

test('another model, a reversed order and what could not be compared are said', () => {
  const odd = { ...changes(), asked_m2: 200_000, from: { ...changes().from, vintage: 2024 }, to: { ...changes().to, vintage: 2021, model: null } };

  const said = plain(changeCautions(odd, UNKNOWN)).slice(2);

  expect(said[0]).toContain('même modèle');
  expect(said[1]).toContain('pas la plus ancienne');
  expect(said[2]).toContain('50,0 % de la superficie');
});
