import { expect, test } from 'vitest';

import { choiceOf, comparable, textOf, usualPair } from '../../src/measure/changechoice.js';
import { changedValues } from '../../src/measure/changelayer.js';

/** @param {string} id @param {number | undefined} vintage @param {object} [others] @returns {import('../../src/api.js').Collection} */
const layer = (id, vintage, others = {}) => ({
  id, title: id, extent: { spatial: { bbox: [[3, 43, 4, 44]] } }, 'cosia:vintage': vintage, 'cosia:nomenclature': 'cosia', ...others,
});

test.each(['a/b', 'a/b/all', 'a.1/b_2/9-1'])('%s comes back as it was', (text) => {
  expect(textOf(/** @type {any} */ (choiceOf(text)))).toBe(text);
});

test('a choice tells the layers, whether they are on the map, and one passage', () => {
  expect(choiceOf('a/b')).toEqual({ from: 'a', to: 'b', shown: false, only: null });
  expect(choiceOf('a/b/9-1')).toEqual({ from: 'a', to: 'b', shown: true, only: [9, 1] });
  expect(choiceOf(null)).toBeNull();
});

test('the usual two are the newest and the newest before it', () => {
  const layers = [layer('old', 2015), layer('new', 2024), layer('twin', 2024), layer('before', 2021)];

  expect(usualPair(layers)?.map(({ id }) => id)).toEqual(['before', 'new']);
  expect(usualPair([layer('one', 2021), layer('two', 2021)])?.map(({ id }) => id)).toEqual(['two', 'one']);
  expect(usualPair([layer('alone', 2021)])).toBeNull();
});

test('only layers of the same classes in the same place are compared', () => {
  const current = layer('current', 2024);
  const elsewhere = layer('elsewhere', 2021, { extent: { spatial: { bbox: [[5, 43, 6, 44]] } } });
  const other = layer('other', 2021, { 'cosia:nomenclature': 'clc' });
  const near = layer('near', 2021, { extent: { spatial: { bbox: [[3.9, 43.9, 4.5, 45]] } } });

  expect(comparable([current, elsewhere, other, near], current).map(({ id }) => id)).toEqual(['current', 'near']);
  expect(comparable([current], undefined)).toEqual([]);
});

test('what is the same, or has no class on either side, did not change', () => {
  const [before, after] = [new Uint8Array(65_536), new Uint8Array(65_536)];
  before.set([1, 1, 0, 9, 9]);
  after.set([1, 5, 5, 0, 1]);

  expect([...changedValues(before, after, null).slice(0, 6)]).toEqual([0, 5, 0, 0, 1, 0]);
  expect([...changedValues(before, after, [9, 1]).slice(0, 6)]).toEqual([0, 0, 0, 0, 1, 0]);
  expect(changedValues(null, after, null).some(Boolean)).toBe(false);
});
