import { expect, test } from 'vitest';

import { setLanguage } from '../src/i18n.js';
import { newestSource, wordsOf } from '../src/predict.js';
import { newestCollection } from '../src/published.js';

test('a model speaks French on the French page, where its card does', () => {
  const english = { value: 'm', title: 'Model', description: 'Small.', 'cosia:weaknesses': ['snow'] };
  const french = { title: 'Modèle', training: 'Entraîné ici.', weaknesses: ['neige'] };

  setLanguage('fr');
  expect(wordsOf({ ...english, 'cosia:french': french })).toEqual({
    title: 'Modèle',
    note: 'Entraîné ici.',
    weaknesses: ['neige'],
  });
  expect(wordsOf({ ...english, 'cosia:french': null }).title).toBe('Model');
  setLanguage('en');
  expect(wordsOf({ ...english, 'cosia:french': french })).toEqual({ title: 'Model', note: 'Small.', weaknesses: ['snow'] });
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
