// @vitest-environment node
import { expect, test } from 'vitest';

import { projectionOf } from '../src/projection.js';

// Expected places: pyproj.Transformer.from_crs(4326, code, always_xy=True).
test.each([
  [2154, -4.5, 48.4, 145_709.788_950, 6_837_422.082_614],
  [5490, -61, 14.6, 715_447.875_264, 1_615_033.118_941],
  [2975, 55.5, -21.1, 344_197.575_410, 7_666_050.711_042],
  [4471, 45.2, -12.8, 521_705.548_031, 8_584_972.962_468],
  [2972, -52.3, 4.9, 355_855.438_441, 541_750.163_564],
  [4467, -56.3, 46.9, 553_317.028_724, 5_194_289.386_308],
])('EPSG:%i is projected to the millimetre', (epsg, lon, lat, x, y) => {
  const [ourX, ourY] = projectionOf(epsg)(lon, lat);

  expect(Math.hypot(ourX - x, ourY - y)).toBeLessThan(0.001);
});

test('without a known grid the one of mainland France is taken', () => {
  expect(projectionOf(undefined)).toBe(projectionOf(2154));
  expect(projectionOf(3857)).toBe(projectionOf(2154));
});
