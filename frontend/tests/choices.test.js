import { expect, test } from 'vitest';

import { fillModels, lacking, newestSource, sourceText, wordsOf } from '../src/choices.js';
import { setLanguage } from '../src/i18n.js';
import { newestCollection } from '../src/published.js';

const MODEL = {
  value: 'm',
  title: 'Model',
  description: 'Small.',
  'cosia:training': 'Trained here.',
  'cosia:weaknesses': ['snow'],
  'cosia:bands': ['R', 'NIR', 'E'],
  'cosia:extraInputs': ['series'],
};

test('a model speaks French on the French page, as far as its card does', () => {
  const french = { title: 'Modèle', training: 'Entraîné ici.', weaknesses: ['neige'], description: null };
  const english = { title: 'Model', description: 'Small.', training: 'Trained here.', weaknesses: ['snow'] };

  setLanguage('fr');
  expect(wordsOf({ ...MODEL, 'cosia:french': french })).toEqual({ ...french, description: 'Small.' });
  expect(wordsOf({ ...MODEL, 'cosia:french': { ...french, description: 'Petit.' } }).description).toBe('Petit.');
  expect(wordsOf({ ...MODEL, 'cosia:french': null })).toEqual(english);
  setLanguage('en');
  expect(wordsOf({ ...MODEL, 'cosia:french': french })).toEqual(english);
});

test('imagery is told with its year and resolution, each once', () => {
  const source = { value: 's', title: 'BD ORTHO', 'cosia:year': 2021, 'cosia:resolution_m': 0.2 };

  expect(sourceText(source)).toBe('BD ORTHO · 2021 · 0.2 m');
  expect(sourceText({ ...source, title: 'BD ORTHO 2021' })).toBe('BD ORTHO 2021 · 0.2 m');
  expect(sourceText({ value: 's', title: 'Undated' })).toBe('Undated');
});

test('what imagery lacks for a model is named, bands and what goes beside them', () => {
  const source = (/** @type {string[]} */ bands, /** @type {string[]} */ extraInputs) => ({
    value: 's',
    title: 'S',
    'cosia:bands': bands,
    'cosia:extraInputs': extraInputs,
  });

  expect(lacking(MODEL, source(['R', 'G', 'B'], []))).toBe('near infrared, heights above ground, a Sentinel-2 series');
  expect(lacking(MODEL, source(['R', 'G', 'B', 'NIR', 'E'], ['series']))).toBe('');
  expect(lacking(MODEL, undefined)).toBe('');
});

test('models that imagery does not suit stand apart, out of reach, with their reason', () => {
  const select = document.createElement('select');
  const plain = { value: 'p', title: 'Plain', 'cosia:bands': ['R'] };

  fillModels(select, [MODEL, plain], { value: 's', title: 'S', 'cosia:bands': ['R', 'NIR', 'E'] }, 'p');

  expect(select.value).toBe('p');
  const unsuited = /** @type {HTMLOptionElement} */ (select.querySelector('optgroup option'));
  expect([unsuited.value, unsuited.disabled, unsuited.textContent]).toEqual(['m', true, 'Model: needs a Sentinel-2 series']);
  expect(select.querySelectorAll('select > option')).toHaveLength(1);
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
