// @vitest-environment node
import { expect, test } from 'vitest';

import { Sketch } from '../src/sketch.js';
import { simplified } from '../src/stroke.js';

/** A square of 100 units, a place at each unit, half a unit beside the line at most. */
const SHAKY = [
  ...Array.from({ length: 100 }, (_, i) => [i, i % 2 ? 0.5 : 0]),
  ...Array.from({ length: 100 }, (_, i) => [100, i]),
  ...Array.from({ length: 100 }, (_, i) => [100 - i, 100 + (i % 2 ? 0.5 : 0)]),
];

test('a shaky stroke keeps its corners only', () => {
  expect(simplified(SHAKY, 2, 1000)).toEqual([[0, 0], [100, 0], [100, 100], [1, 100.5]]);
});

test('a stroke keeps no more vertices than it may, told more coarsely', () => {
  const circle = Array.from({ length: 1000 }, (_, i) => [Math.cos(i / 160), Math.sin(i / 160)]);

  expect(simplified(circle, 0, 1000)).toHaveLength(1000);
  expect(simplified(circle, 0.0001, 20).length).toBeLessThanOrEqual(20);
  expect(simplified(circle, 0.0001, 20).length).toBeGreaterThan(5);
});

test('a stroke can be taken back as one', () => {
  const sketch = new Sketch('freehand');
  sketch.place([0, 50], 10);
  sketch.stroke = SHAKY;
  sketch.endStroke(2, 1000);
  expect(sketch.vertices).toHaveLength(5);

  sketch.undo();

  expect(sketch.vertices).toEqual([[0, 50]]);
});

test('a stroke of a few pixels is a single vertex', () => {
  const sketch = new Sketch('freehand');
  sketch.stroke = [[0, 0], [1, 1], [1, 0]];
  sketch.endStroke(2, 1000);

  expect(sketch.vertices).toEqual([[0, 0]]);
});
