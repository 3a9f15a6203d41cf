// @vitest-environment node
import { expect, test } from 'vitest';

import { Sketch } from '../src/sketch.js';

const TOLERANCE = 5;

/** @param {import('../src/sketch.js').Shape} shape @param {number[][]} places */
function drawn(shape, places) {
  const sketch = new Sketch(shape);
  const finished = places.map((place) => sketch.place(place, TOLERANCE));
  return { sketch, finished: finished.at(-1) };
}

test('a polygon ends on its first vertex', () => {
  const { sketch, finished } = drawn('polygon', [[0, 0], [100, 0], [100, 100], [3, 4]]);

  expect(finished).toBe(true);
  expect(sketch.ring(false)).toEqual([[0, 0], [100, 0], [100, 100], [0, 0]]);
});

test('a double click places its vertex once and ends the polygon', () => {
  const { sketch, finished } = drawn('polygon', [[0, 0], [100, 0], [100, 100], [100, 101]]);

  expect(finished).toBe(true);
  expect(sketch.vertices).toHaveLength(3);
});

test('a double click on the second vertex neither ends the polygon nor doubles the vertex', () => {
  const { sketch, finished } = drawn('polygon', [[0, 0], [100, 0], [101, 0]]);

  expect(finished).toBe(false);
  expect(sketch.vertices).toEqual([[0, 0], [100, 0]]);
});

test('a polygon cannot be finished before it has three vertices', () => {
  expect(drawn('polygon', [[0, 0], [100, 0]]).sketch.canFinish).toBe(false);
  expect(drawn('polygon', [[0, 0], [100, 0], [0, 100]]).sketch.canFinish).toBe(true);
});

test('the last vertex can be taken back, down to none', () => {
  const { sketch } = drawn('polygon', [[0, 0], [100, 0]]);
  sketch.undo();
  expect(sketch.vertices).toEqual([[0, 0]]);
  sketch.undo();
  sketch.undo();
  expect(sketch.ring(true)).toEqual([]);
});

test('the ring follows the pointer until it is finished', () => {
  const { sketch } = drawn('polygon', [[0, 0], [100, 0]]);
  sketch.pointer = [50, 80];

  expect(sketch.ring(true)).toEqual([[0, 0], [100, 0], [50, 80], [0, 0]]);
  expect(sketch.ring(false)).toEqual([[0, 0], [100, 0], [0, 0]]);
});

test('a rectangle is two opposite corners', () => {
  const { sketch, finished } = drawn('rectangle', [[10, 20], [110, 70]]);

  expect(finished).toBe(true);
  expect(sketch.ring(false)).toEqual([[10, 20], [110, 20], [110, 70], [10, 70], [10, 20]]);
});

test('a double click does not make a rectangle of no size', () => {
  expect(drawn('rectangle', [[10, 20], [11, 20]]).finished).toBe(false);
});
