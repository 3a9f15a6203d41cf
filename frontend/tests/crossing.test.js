// @vitest-environment node
import { expect, test } from 'vitest';

import { firstCrossing } from '../src/crossing.js';

/** @param {number[][]} places closed here */
const ring = (...places) => [...places, places[0]];

const SQUARE = ring([0, 0], [9, 0], [9, 9], [0, 9]);

// What GEOS 3.13 says of these polygons (shapely's is_valid_reason), but for the place where there are several.
test.each([
  ['a bow-tie', [ring([0, 0], [1, 1], [1, 0], [0, 1])], [0.5, 0.5], false],
  ['a ring that folds back on itself', [ring([0, 0], [4, 0], [2, 0], [2, 4])], [2, 0], false],
  ['a hole that leaves its outline', [SQUARE, ring([1, 1], [2, 1], [12, 2])], [9, 1.7], false],
  ['neighbours with a common edge', [ring([0, 0], [1, 0], [1, 1], [0, 1]), ring([1, 0], [2, 0], [2, 1], [1, 1])], [1, 0], false],
  ['a vertex on another edge of its ring', [ring([0, 0], [4, 0], [4, 4], [2, 0], [0, 4])], [2, 0], true],
  ['a place visited twice', [ring([0, 0], [2, 2], [4, 0], [4, 4], [2, 2], [0, 4])], [2, 2], true],
])('%s is found', (_, rings, place, touch) => {
  const crossing = firstCrossing(rings);

  expect(crossing?.touch).toBe(touch);
  expect(crossing?.place[0]).toBeCloseTo(place[0], 6);
  expect(crossing?.place[1]).toBeCloseTo(place[1], 1);
});

test.each([
  ['a square', [SQUARE]],
  ['a triangle', [ring([0, 0], [1, 0], [0, 1])]],
  ['a place repeated at once', [ring([0, 0], [0, 0], [9, 0], [9, 9], [9, 9])]],
  ['vertices in the middle of straight edges', [ring([0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [0, 2])]],
  ['a hole that touches its outline in a point', [SQUARE, ring([9, 4], [5, 5], [5, 3])]],
  ['neighbours that touch in a corner', [ring([0, 0], [1, 0], [1, 1], [0, 1]), ring([1, 1], [2, 1], [2, 2], [1, 2])]],
  ['a line not closed yet whose ends would cross if they were joined', [[[0, 0], [4, 0], [4, 4], [2, 1]]]],
  ['nothing', [[]]],
])('%s crosses nothing', (_, rings) => {
  expect(firstCrossing(rings)).toBeNull();
});

test('one crossing among ten thousand edges is found', () => {
  const places = Array.from({ length: 10_000 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 10_000;
    return [Math.cos(angle), Math.sin(angle)];
  });
  expect(firstCrossing([ring(...places)])).toBeNull();
  [places[2500], places[2501]] = [places[2501], places[2500]];

  expect(firstCrossing([ring(...places)])?.place[1]).toBeCloseTo(1, 5);
});
