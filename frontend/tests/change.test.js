// @vitest-environment node
import { expect, test } from 'vitest';

import { Change } from '../src/change.js';

const SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]];
const CORNER = { at: { ring: 0, vertex: 2 }, place: [100, 100], middle: false };
const EDGE = { at: { ring: 0, vertex: 1 }, place: [50, 0], middle: true };

const square = () => new Change([[SQUARE]]);

/** @param {Change} change */
const ring = (change) => change.polygons()[0][0].slice(0, -1);

test('a vertex is dragged by what it was gripped at, not to the pointer', () => {
  const change = square();
  change.press([103, 98], CORNER);
  change.drag([113, 98]);

  expect(ring(change)[2]).toEqual([110, 100]);
  expect(change.canUndo).toBe(false);
  change.release();
  expect(change.canUndo).toBe(true);
  expect(change.chosen).toEqual(CORNER.at);
});

test('the middle of an edge becomes a vertex', () => {
  const change = square();
  change.press([50, 0], EDGE);
  change.drag([50, -20]);
  change.release();

  expect(ring(change)).toEqual([[0, 0], [50, -20], [100, 0], [100, 100], [0, 100]]);
});

test('a press on nothing drags nothing', () => {
  const change = square();

  expect(change.press([5, 5], undefined)).toBe(false);
  expect(change.drag([9, 9])).toBe(false);
  expect(change.release()).toBe(false);
});

test('a drag given up leaves the zone as it was', () => {
  const change = square();
  change.press([100, 100], CORNER);
  change.drag([0, 50]);

  expect(change.drop()).toBe(true);
  expect(ring(change)).toEqual(SQUARE.slice(0, -1));
  expect(change.drop()).toBe(false);
});

test('a vertex taken comes along until it is put down, which is one step', () => {
  const change = square();
  expect(change.take()).toBe(false);
  change.step(1);
  change.take();
  change.carry([5, 5]);
  change.carry([7, 9]);
  change.take();
  change.carry([50, 50]);

  expect(ring(change)[0]).toEqual([7, 9]);
  change.go(-1);
  expect(ring(change)[0]).toEqual([0, 0]);
});

test('while a vertex is taken no other is chosen, added or dragged', () => {
  const change = square();
  change.step(1);
  change.take();

  expect(change.step(1)).toBe(false);
  expect(change.add(EDGE)).toBeNull();
  expect(change.press([100, 100], CORNER)).toBe(false);
});

test('a vertex is added in the middle of the edge after the chosen one, or of that given', () => {
  const change = square();
  change.step(-1);
  expect(change.chosen).toEqual({ ring: 0, vertex: 0 });
  change.step(-1);
  expect(change.add(undefined)).toEqual([0, 50]);
  expect(change.add(EDGE)).toEqual([50, 0]);

  expect(ring(change)).toEqual([[0, 0], [50, 0], [100, 0], [100, 100], [0, 100], [0, 50]]);
});

test('the chosen vertex is removed; of three none', () => {
  const change = square();
  change.step(1);
  expect(change.remove()).toBe(true);
  expect(ring(change)).toHaveLength(3);
  change.step(1);

  expect(change.remove()).toBe(false);
  expect(ring(change)).toHaveLength(3);
});

test('the whole is dragged from anywhere, and pushed', () => {
  const change = square();
  change.moveWhole();
  change.press([500, 500], undefined);
  change.drag([510, 490]);
  change.release();
  change.nudge(0, 1);

  expect(ring(change)).toEqual([[10, -9], [110, -9], [110, 91], [10, 91]]);
});
