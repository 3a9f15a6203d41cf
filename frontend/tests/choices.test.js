import { expect, test } from 'vitest';

import { newestSource } from '../src/predict.js';
import { newestCollection } from '../src/published.js';

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
