import { expect, test } from 'vitest';

import { comparedWith } from '../src/compare.js';
import { setLanguage } from '../src/i18n.js';
import { INITIAL } from '../src/state.js';

setLanguage('en');

/** @param {string} id @param {string | null} imagery @returns {import('../src/api.js').Collection} */
const layer = (id, imagery) => ({ id, title: id.toUpperCase(), extent: { spatial: { bbox: [[3, 43, 4, 44]] } }, 'cosia:imagery': imagery });

const LAYERS = [layer('a', 'ortho-2021'), layer('b', 'ortho-2024'), layer('c', null)];
const SOURCES = [
  { value: 'ortho-2021', title: 'Ortho 2021' },
  { value: 'ortho-2024', title: 'Ortho 2024' },
];

/** @param {Partial<import('../src/state.js').State>} patch */
const compared = (patch) => comparedWith({ ...INITIAL, ...patch }, LAYERS, SOURCES, LAYERS[0]);

test('another vintage lies over its own imagery, or over the one that was chosen', () => {
  expect(compared({ compare: 'layer:b' })).toMatchObject({ title: 'B', source: SOURCES[1], style: 'natural' });
  expect(compared({ compare: 'layer:b', imagery: 'ortho-2021' })?.source).toBe(SOURCES[0]);
  expect(compared({ compare: 'layer:c' })?.source).toBeUndefined();
});

test('imagery alone has its style in its name', () => {
  expect(compared({ compare: 'infrared:ortho-2024' })).toEqual({
    title: 'Ortho 2024, infrared',
    source: SOURCES[1],
    style: 'infrared',
  });
});

test.each([null, 'layer:a', 'layer:gone', 'natural:gone', 'none:ortho-2021'])('%s is nothing to compare with', (compare) => {
  expect(compared({ compare })).toBeNull();
});
