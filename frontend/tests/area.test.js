// @vitest-environment node
import { expect, test } from 'vitest';

import { ringArea_m2 } from '../src/area.js';

// Expected areas: pyproj.Geod(ellps="GRS80").geometry_area_perimeter of the same rings.
const SQUARE = [[3.26, 43.55], [3.27, 43.55], [3.27, 43.56], [3.26, 43.56], [3.26, 43.55]];
const KITE = [[-61.2, 14.6], [-61.1, 14.62], [-61.0, 14.6], [-61.1, 14.5]];

test.each([
  ['a hundredth of a degree in Languedoc', SQUARE, 897_753, 1e-5],
  ['a kite in Martinique', KITE, 143_060_472, 3e-4],
])('%s has its geodesic area', (_, ring, expected_m2, tolerance) => {
  expect(Math.abs(ringArea_m2(ring) / expected_m2 - 1)).toBeLessThan(tolerance);
});

test('direction and closure of the ring do not matter', () => {
  expect(ringArea_m2(SQUARE.toReversed())).toBeCloseTo(ringArea_m2(SQUARE), 3);
  expect(ringArea_m2(SQUARE.slice(0, -1))).toBeCloseTo(ringArea_m2(SQUARE), 3);
});

test('fewer than three vertices have no area', () => {
  expect(ringArea_m2([])).toBe(0);
  expect(ringArea_m2(SQUARE.slice(0, 2))).toBe(0);
});
