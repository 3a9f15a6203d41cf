import { expect, test } from 'vitest';

import { colourTable } from '../src/classes.js';
import { newestSource } from '../src/predict.js';
import { newestCollection } from '../src/published.js';

const CLASSES = [
  { value: 1, code: 'batiment', title_fr: 'Bâtiment', title_en: 'building', colour: '#ce7079' },
  { value: 8, code: 'conifere', title_fr: 'Conifère', title_en: 'coniferous', colour: '#126421' },
];

/** @param {Uint32Array<ArrayBuffer>} table @param {number} value */
const rgba = (table, value) => [...new Uint8Array(table.buffer, value * 4, 4)];

test('a value is painted in its colour, nodata and unknown values not at all', () => {
  const table = colourTable(CLASSES, []);

  expect(rgba(table, 1)).toEqual([0xce, 0x70, 0x79, 255]);
  expect(rgba(table, 8)).toEqual([0x12, 0x64, 0x21, 255]);
  expect(rgba(table, 0)).toEqual([0, 0, 0, 0]);
  expect(rgba(table, 200)).toEqual([0, 0, 0, 0]);
});

test('a hidden class is transparent, the others stay', () => {
  const table = colourTable(CLASSES, [8]);

  expect(rgba(table, 8)).toEqual([0, 0, 0, 0]);
  expect(rgba(table, 1)[3]).toBe(255);
});

test('the newest imagery is proposed, or the default of the service where none is dated', () => {
  const dated = [
    { value: 'demo-2021', title: '2021', 'cosia:year': 2021 },
    { value: 'demo-2024', title: '2024', 'cosia:year': 2024 },
  ];
  const undated = [{ value: 'a', title: 'A' }, { value: 'b', title: 'B' }];

  expect(newestSource(dated, 'demo-2021')).toBe('demo-2024');
  expect(newestSource(undated, 'b')).toBe('b');
  expect(newestSource([], undefined)).toBeUndefined();
});

test('the newest vintage is shown first', () => {
  const layer = (/** @type {string} */ id, /** @type {number} */ year) => ({
    id,
    title: id,
    extent: { spatial: { bbox: [[3, 43, 4, 44]] } },
    'cosia:vintage': year,
  });

  expect(newestCollection([layer('a', 2018), layer('c', 2024), layer('b', 2021)])?.id).toBe('c');
  expect(newestCollection([])).toBeUndefined();
});
