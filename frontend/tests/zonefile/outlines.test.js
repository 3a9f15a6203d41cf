// @vitest-environment node
import { expect, test } from 'vitest';

import { counterClockwise, signedArea } from '../../src/ring.js';
import { dissolved, polygonsOfRings } from '../../src/zonefile/outlines.js';
import { square } from './fixtures.js';

const hole = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ side) => square(x, y, side).toReversed();

/** Outline and holes as sets of corners, in an order of their own. @param {number[][][][]} polygons */
function shapes(polygons) {
  const corners = (/** @type {number[][]} */ ring) => [...new Set(ring.map(String))].sort().join(' ');
  return polygons.map(([outline, ...holes]) => [corners(outline), ...holes.map(corners).sort()].join(' | ')).sort();
}

test('a hole goes to the smallest outline around it, islands included', () => {
  const rings = [square(0, 0, 10), hole(1, 1, 8), square(2, 2, 6), hole(3, 3, 1), square(20, 0, 5), hole(21, 1, 1)];
  const expected = [
    [rings[0], rings[1]],
    [rings[2], rings[3]],
    [rings[4], rings[5]],
  ];

  expect(shapes(polygonsOfRings(rings))).toEqual(shapes(expected));
  // Whichever direction the file gives its outlines
  expect(shapes(polygonsOfRings(rings.map((ring) => ring.toReversed())))).toEqual(shapes(expected));
});

test('a hole that touches its outline and a neighbour stays in its own', () => {
  const rings = [square(0, 0, 4), square(4, 0, 4), [[4, 2], [3, 1], [2, 2], [3, 3], [4, 2]]];

  expect(shapes(polygonsOfRings(rings))).toEqual(shapes([[rings[0], rings[2]], [rings[1]]]));
});

test('neighbours with whole edges in common become one', () => {
  expect(shapes(dissolved([[square(0, 0, 1)], [square(1, 0, 1)], [square(5, 5, 1)]]))).toEqual(
    shapes([[[[0, 0], [1, 0], [2, 0], [2, 1], [1, 1], [0, 1], [0, 0]]], [square(5, 5, 1)]]),
  );
});

test('a ring of parcels keeps what it surrounds as a hole', () => {
  const around = [0, 1, 2].flatMap((x) => [0, 1, 2].map((y) => [square(x, y, 1)])).filter((_, i) => i !== 4);
  const [[outline, inner], ...others] = dissolved(around);

  expect(others).toEqual([]);
  expect(signedArea(outline)).toBe(9);
  expect(signedArea(inner)).toBe(-1);
});

test('a hole filled by its own parcel is no hole', () => {
  expect(dissolved([[square(0, 0, 3), hole(1, 1, 1)], [square(1, 1, 1)]])).toHaveLength(1);
  expect(dissolved([[square(0, 0, 3), hole(1, 1, 1)], [square(1, 1, 1)]])[0]).toHaveLength(1);
});

test('what touches in a corner stays apart', () => {
  const board = [[square(0, 0, 1)], [square(1, 1, 1)], [square(0, 2, 1)]];

  expect(dissolved(board)).toEqual(board);
  // Two dominoes corner to corner
  const dominoes = dissolved([[square(0, 0, 1)], [square(1, 0, 1)], [square(2, 1, 1)], [square(3, 1, 1)]]);
  expect(dominoes.map(([outline]) => signedArea(outline))).toEqual([2, 2]);
});

test('two that meet at two corners leave no hole that cuts them', () => {
  // A frame of 4 × 4 around an empty middle, of two Ls that touch in two corners
  const cells = [[0, 0], [1, 0], [2, 0], [0, 1], [0, 2], [3, 1], [3, 2], [3, 3], [2, 3], [1, 3]];
  const parts = dissolved(cells.map(([x, y]) => [square(x, y, 1)]));

  expect(parts.map((rings) => rings.map(signedArea))).toEqual([[5], [5]]);
});

test('polygons that overlap are left as they are', () => {
  const twice = [[square(0, 0, 1)], [square(0, 0, 1)], [square(1, 0, 1)]];

  expect(dissolved(twice)).toEqual(twice);
});

test('cells of any pattern keep their area, each ring simple', () => {
  for (let pattern = 1; pattern < 512; pattern++) {
    const cells = Array.from({ length: 9 }, (_, i) => i).filter((i) => pattern & (1 << i));
    const parts = dissolved(cells.map((i) => [square(i % 3, Math.floor(i / 3), 1)]));
    const areas = parts.map(([outline, ...holes]) => [signedArea(outline), ...holes.map(signedArea)]);

    expect(areas.flat().reduce((a, b) => a + b), `pattern ${pattern}`).toBe(cells.length);
    expect(areas.every(([outline, ...holes]) => outline > 0 && holes.every((area) => area < 0))).toBe(true);
    for (const ring of parts.flat()) expect(new Set(ring.map(String)).size).toBe(ring.length - 1);
  }
});

test('a ring is turned when it is clockwise', () => {
  expect(counterClockwise(hole(0, 0, 2))).toEqual(square(0, 0, 2));
  expect(counterClockwise(square(0, 0, 2))).toEqual(square(0, 0, 2));
});
