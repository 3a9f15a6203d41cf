// @vitest-environment node
import { expect, test } from 'vitest';

import { gripAt, gripsOf } from '../src/grips.js';
import { atNumber, inserted, moved, numberOf, removed, Reshape, shifted } from '../src/reshape.js';

const OUTLINE = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]];
const HOLE = [[40, 40], [60, 60], [60, 40], [40, 40]];
const OTHER = [[200, 0], [300, 0], [300, 100], [200, 0]];

const two = () => new Reshape([[OUTLINE, HOLE], [OTHER]]);

test('polygons come back closed as they were', () => {
  expect(two().polygons()).toEqual([[OUTLINE, HOLE], [OTHER]]);
});

test('the first vertex of a ring stays its last when it is moved', () => {
  const zone = two();
  zone.rings = moved(zone.rings, { ring: 0, vertex: 0 }, [-10, -5]);

  expect(zone.polygons()[0][0]).toEqual([[-10, -5], [100, 0], [100, 100], [0, 100], [-10, -5]]);
  expect(OUTLINE[0]).toEqual([0, 0]);
});

test('a vertex is added before another, and after the last', () => {
  const { rings } = two();

  expect(inserted(rings, { ring: 0, vertex: 1 }, [50, 0])[0].vertices).toEqual([[0, 0], [50, 0], [100, 0], [100, 100], [0, 100]]);
  expect(inserted(rings, { ring: 0, vertex: 4 }, [0, 50])[0].vertices.at(-1)).toEqual([0, 50]);
});

test('a vertex is removed', () => {
  expect(removed(two().rings, { ring: 0, vertex: 1 })?.[0].vertices).toEqual([[0, 0], [100, 100], [0, 100]]);
});

test('a hole of three vertices goes whole, and an outline of three with its holes', () => {
  const zone = two();
  zone.rings = removed(zone.rings, { ring: 1, vertex: 0 }) ?? [];
  expect(zone.polygons()).toEqual([[OUTLINE], [OTHER]]);

  const holed = new Reshape([[OTHER, HOLE], [OUTLINE]]);
  holed.rings = removed(holed.rings, { ring: 0, vertex: 2 }) ?? [];
  expect(holed.polygons()).toEqual([[OUTLINE]]);
});

test('the last three vertices cannot be removed', () => {
  expect(removed(new Reshape([[OTHER, HOLE]]).rings, { ring: 0, vertex: 1 })).toBeNull();
});

test('the whole moves with its holes and parts', () => {
  const zone = two();
  zone.rings = shifted(zone.rings, 10, -20);

  expect(zone.polygons()[1]).toEqual([[[210, -20], [310, -20], [310, 80], [210, -20]]]);
  expect(zone.polygons()[0][1][0]).toEqual([50, 20]);
});

test('steps are taken back and again; another one forgets those ahead', () => {
  const zone = two();
  const places = () => zone.rings[0].vertices[0];
  for (const x of [1, 2, 3]) {
    zone.rings = moved(zone.rings, { ring: 0, vertex: 0 }, [x, 0]);
    zone.commit();
  }
  zone.go(-1);
  zone.go(-1);
  expect(places()).toEqual([1, 0]);
  zone.go(1);
  expect(places()).toEqual([2, 0]);
  expect([zone.canUndo, zone.canRedo]).toEqual([true, true]);

  zone.rings = moved(zone.rings, { ring: 0, vertex: 0 }, [9, 0]);
  zone.commit();
  expect(zone.canRedo).toBe(false);
  for (let i = 0; i < 5; i++) zone.go(-1);
  expect(zone.polygons()).toEqual([[OUTLINE, HOLE], [OTHER]]);
});

test('a gesture given up leaves no step', () => {
  const zone = two();
  zone.rings = shifted(zone.rings, 5, 5);
  zone.revert();
  zone.commit();

  expect(zone.canUndo).toBe(false);
  expect(zone.polygons()[0][0]).toEqual(OUTLINE);
});

test('vertices are counted through all rings, and round again', () => {
  const { rings } = two();

  expect(numberOf(rings, { ring: 2, vertex: 1 })).toBe(8);
  expect(atNumber(rings, 8)).toEqual({ ring: 2, vertex: 1 });
  expect(atNumber(rings, 10)).toEqual({ ring: 0, vertex: 0 });
  expect(atNumber(rings, -1)).toEqual({ ring: 2, vertex: 2 });
});

test('what is in view is gripped: vertices, and middles of edges that are long enough to see', () => {
  const { rings } = new Reshape([[OUTLINE, HOLE]]);
  const { grips, crowded } = gripsOf(rings, [-10, -10, 70, 70], 1);

  expect(crowded).toBe(false);
  expect(grips.filter(({ middle }) => !middle).map(({ place }) => place)).toEqual([[0, 0], ...HOLE.slice(0, 3)]);
  expect(grips.filter(({ middle }) => middle).map(({ at, place }) => [at.vertex, place])).toEqual([[0, [0, 50]], [1, [50, 0]]]);
});

test('crowded vertices have fewer grips, and that is known', () => {
  const ring = Array.from({ length: 10_000 }, (_, i) => [100 * Math.cos(i / 1591.55), 100 * Math.sin(i / 1591.55)]);
  const { grips, crowded } = gripsOf(new Reshape([[[...ring, ring[0]]]]).rings, [-200, -200, 200, 200], 1);

  expect(crowded).toBe(true);
  expect(grips.length).toBeLessThan(80);
});

test('the nearest grip within reach is gripped', () => {
  const { grips } = gripsOf(two().rings, [-10, -10, 400, 400], 1);

  expect(gripAt(grips, [96, 3], 10)).toMatchObject({ at: { ring: 0, vertex: 1 }, middle: false });
  expect(gripAt(grips, [97, 52], 10)).toMatchObject({ at: { ring: 0, vertex: 2 }, middle: true });
  expect(gripAt(grips, [80, 80], 10)).toBeUndefined();
});
