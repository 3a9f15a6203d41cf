// @vitest-environment node
import { expect, test } from 'vitest';

import { ringArea_m2, zoneArea_m2 } from '../src/area.js';

// Expected areas: pyproj and shapely, edges cut every 0.001° and projected (app.aoi.area_m2), of the same rings.
const SQUARE = [[3.26, 43.55], [3.27, 43.55], [3.27, 43.56], [3.26, 43.56], [3.26, 43.55]];
const BREST = [[-4.55, 48.35], [-4.45, 48.36], [-4.48, 48.42], [-4.55, 48.4]];
const BASTIA = [[9.35, 42.65], [9.47, 42.63], [9.45, 42.75]];
const DUNKERQUE = [[2.3, 51], [2.36, 51], [2.36, 51.04], [2.3, 51.04]];
const MARTINIQUE = [[-61.2, 14.6], [-61.1, 14.62], [-61.0, 14.6], [-61.1, 14.5]];
const REUNION = [[55.4, -21.1], [55.5, -21.1], [55.5, -21.0]];
const MAYOTTE = [[45.1, -12.8], [45.2, -12.8], [45.2, -12.7]];
const CAYENNE = [[-52.4, 4.8], [-52.3, 4.8], [-52.3, 4.95]];
const MIQUELON = [[-56.4, 46.9], [-56.3, 46.9], [-56.3, 47.0]];

test.each([
  ['Languedoc', SQUARE, 2154, 898_402.325_356_776],
  ['Brest', BREST, 2154, 40_326_784.076_949],
  ['Bastia', BASTIA, 2154, 63_896_816.151_899],
  ['Dunkerque', DUNKERQUE, 2154, 18_817_897.602_477],
  ['Martinique', MARTINIQUE, 5490, 143_111_695.667_326],
  ['La Réunion', REUNION, 2975, 57_521_385.974_294],
  ['Mayotte', MAYOTTE, 4471, 60_015_554.159_631],
  ['Cayenne', CAYENNE, 2972, 91_972_485.593_495],
  ['Saint-Pierre-et-Miquelon', MIQUELON, 4467, 42_296_931.285_751],
])('a zone near %s has the area that the service measures', (_, ring, epsg, expected_m2) => {
  expect(Math.abs(ringArea_m2(ring, epsg) / expected_m2 - 1)).toBeLessThan(1e-7);
});

test('a sketch across the country is measured too, with fewer pieces', () => {
  const across = [[-1, 44], [6, 44], [6, 49], [-1, 49]];
  expect(Math.abs(ringArea_m2(across) / 298_180_220_751 - 1)).toBeLessThan(1e-5);
});

test('direction and closure of the ring do not matter', () => {
  expect(ringArea_m2(SQUARE.toReversed())).toBeCloseTo(ringArea_m2(SQUARE), 3);
  expect(ringArea_m2(SQUARE.slice(0, -1))).toBeCloseTo(ringArea_m2(SQUARE), 3);
});

test('fewer than three vertices have no area', () => {
  expect(ringArea_m2([])).toBe(0);
  expect(ringArea_m2(SQUARE.slice(0, 2))).toBe(0);
});

test('a zone has the area of its parts without their holes', () => {
  const hole = [[3.262, 43.552], [3.264, 43.552], [3.264, 43.554], [3.262, 43.554], [3.262, 43.552]];
  const outside_m2 = ringArea_m2(SQUARE, 2154) - ringArea_m2(hole, 2154);

  expect(zoneArea_m2({ type: 'Polygon', coordinates: [SQUARE, hole] }, 2154)).toBeCloseTo(outside_m2, 3);
  expect(zoneArea_m2({ type: 'MultiPolygon', coordinates: [[SQUARE, hole], [BREST]] }, 2154)).toBeCloseTo(
    outside_m2 + ringArea_m2(BREST, 2154),
    2,
  );
});
