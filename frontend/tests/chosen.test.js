import { beforeEach, expect, test } from 'vitest';

import { chosenOf, fitted, inputsOf, recalled, remember, requestOf, unusualCount, USUAL } from '../src/chosen.js';

const AOI = /** @type {import('../src/api.js').Zone} */ ({ type: 'Polygon', coordinates: [] });

/** @param {string} value @param {string[]} bands @param {Record<string, unknown>} [more] */
const model = (value, bands, more) => ({
  value,
  title: value,
  'cosia:bands': bands,
  'cosia:nomenclature': 'cosia',
  'cosia:resolution_m': 0.2,
  ...more,
});
/** @param {string} value @param {number} year @param {string[]} bands @param {number} [epsg] */
const source = (value, year, bands, epsg = 2154) => ({ value, title: value, 'cosia:year': year, 'cosia:bands': bands, 'cosia:epsg': epsg });

const FIVE = ['R', 'G', 'B', 'NIR', 'E'];
/** @type {import('../src/api.js').ProcessInputs} */
const OFFERED = {
  source: {
    schema: { default: 'new' },
    'cosia:choices': [source('old', 2018, FIVE), source('new', 2024, FIVE), source('rgb', 2010, ['R', 'G', 'B']), source('far', 2020, FIVE, 2972)],
  },
  model: {
    schema: { default: 'five' },
    'cosia:choices': [model('five', FIVE), model('infrared', ['NIR', 'R', 'G']), model('plain', ['R', 'G', 'B']), model('other', ['R'], { 'cosia:nomenclature': 'other' })],
  },
  ensemble: { schema: { maxItems: 3 } },
  augmentation: { 'cosia:choices': ['none', 'flips', 'd4'].map((value) => ({ value, title: value })) },
  outputs: {
    'cosia:choices': [
      { value: 'classes', title: '', 'cosia:default': true },
      { value: 'polygons', title: '', 'cosia:default': false },
      { value: 'changes', title: '', 'cosia:default': true, 'cosia:compares': true },
    ],
  },
  minimum_area_m2: { schema: { maximum: 10_000 } },
  compare: {
    'cosia:choices': [
      { value: { layer: 'map' }, title: 'map', 'cosia:nomenclature': 'cosia' },
      ...['old', 'new', 'rgb', 'far'].map((id) => ({ value: { source: id }, title: id })),
    ],
  },
};

beforeEach(() => sessionStorage.clear());

test('nothing chosen is the newest imagery, the default model and the usual for the rest', () => {
  expect(fitted({}, OFFERED)).toEqual({ ...USUAL, source: 'new', model: 'five' });
});

test('a model that the imagery does not suit gives way to one that it suits', () => {
  expect(fitted({ source: 'rgb', model: 'five' }, OFFERED).model).toBe('plain');
});

test('imagery that suits no model leaves none', () => {
  const none = { ...OFFERED, model: { ...OFFERED.model, 'cosia:choices': [model('five', FIVE)] } };

  expect(fitted({ source: 'rgb' }, none).model).toBe('');
});

test('models predict together that are of one kind, that the imagery suits, and as many as may', () => {
  const few = { ...OFFERED, ensemble: { schema: { maxItems: 1 } } };

  expect(fitted({ ensemble: ['five', 'plain', 'other', 'unknown', 'infrared'] }, OFFERED).ensemble).toEqual(['plain', 'infrared']);
  expect(fitted({ ensemble: ['plain', 'infrared'] }, few).ensemble).toEqual(['plain']);
});

test('a comparison is with a layer of the same classes, or with other imagery of the same grid that suits the model', () => {
  const compared = (/** @type {any} */ compare) => fitted({ compare }, OFFERED).compare;

  expect(compared({ layer: 'map' })).toEqual({ layer: 'map' });
  expect(compared({ source: 'old' })).toEqual({ source: 'old' });
  expect(compared({ source: 'new' })).toBeNull();
  expect(compared({ source: 'rgb' })).toBeNull();
  expect(compared({ source: 'far' })).toBeNull();
  expect(fitted({ model: 'other', compare: { layer: 'map' } }, OFFERED).compare).toBeNull();
});

test('outputs are the usual ones unless they differ, and tell of a comparison only where there is one', () => {
  expect(fitted({ outputs: ['classes'] }, OFFERED).outputs).toBeNull();
  expect(fitted({ outputs: [] }, OFFERED).outputs).toBeNull();
  expect(fitted({ outputs: ['polygons', 'changes', 'gone'] }, OFFERED).outputs).toEqual(['polygons']);
  expect(fitted({ outputs: ['changes', 'classes'], compare: { layer: 'map' } }, OFFERED).outputs).toBeNull();
});

test('a number out of bounds is brought within them', () => {
  expect(fitted({ minimum_area_m2: 20_000 }, OFFERED).minimum_area_m2).toBe(10_000);
  expect(fitted({ minimum_area_m2: Number.NaN }, OFFERED).minimum_area_m2).toBe(0);
});

test('what is usual is not sent', () => {
  const chosen = fitted({ augmentation: 'd4', gaps: true }, OFFERED);

  expect(inputsOf(AOI, chosen, 'fr')).toEqual({ aoi: AOI, source: 'new', model: 'five', language: 'fr', augmentation: 'd4', gaps: true });
  expect(unusualCount(chosen)).toBe(2);
});

test('the request of a job makes the same job, and its choices can be taken up', () => {
  const asked = { gaps: false, language: 'en', minimum_area_m2: 50, compare: null, ensemble: ['plain'], augmentation: 'flips' };
  const job = /** @type {any} */ ({ aoi: AOI, source: 'old', model: 'five', inputs: asked, outputs: ['classes', 'polygons'] });

  expect(requestOf(job)).toEqual({
    aoi: AOI,
    source: 'old',
    model: 'five',
    language: 'en',
    minimum_area_m2: 50,
    ensemble: ['plain'],
    augmentation: 'flips',
    outputs: ['classes', 'polygons'],
  });
  expect(fitted(chosenOf(job), OFFERED)).toMatchObject({ source: 'old', ensemble: ['plain'], outputs: ['classes', 'polygons'], minimum_area_m2: 50 });
});

test('choices come back after a reload, and none come of nonsense', () => {
  expect(recalled()).toEqual({});
  const chosen = fitted({ source: 'old', augmentation: 'd4' }, OFFERED);
  remember(chosen);
  expect(recalled()).toEqual(chosen);
  sessionStorage.setItem('cosia.choices', '{');
  expect(recalled()).toEqual({});
});
