/** The files beside, and changes made to them byte by byte. */
import { readFileSync } from 'node:fs';

import { expect } from 'vitest';

import { projectionOf } from '../../src/projection.js';

const FOLDER = 'tests/zonefile/fixtures';

/** @param {string} name @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(name) {
  return new Uint8Array(readFileSync(`${FOLDER}/${name}`));
}

/** @param {string} name */
export const textOf = (name) => readFileSync(`${FOLDER}/${name}`, 'utf8');

/** @param {string} name */
export const file = (name) => files(bytesOf(name));

/** A file given alone. @param {...(Uint8Array<ArrayBuffer> | string)} parts @returns {any[]} */
export const files = (...parts) => [new Blob(parts)];

/** Polygons of each feature as PROJ places them. @type {{zones: number[][][][][], round: number[][][][][]}} */
export const expected = JSON.parse(textOf('expected.json'));

/**
 * A zone is the polygons expected, to the last decimal kept, wherever their rings begin and whichever way they turn.
 *
 * @param {import('../../src/api.js').Zone} zone
 * @param {number[][][][]} polygons
 */
export function expectZone(zone, polygons) {
  const found = /** @type {number[][][][]} */ (zone.type === 'Polygon' ? [zone.coordinates] : zone.coordinates);
  expect(found).toHaveLength(polygons.length);
  for (const rings of polygons) expect(found.filter((other) => samePolygon(rings, other)), JSON.stringify(found)).toHaveLength(1);
}

/** @param {number[][][]} a @param {number[][][]} b */
function samePolygon([outline, ...holes], [otherOutline, ...otherHoles]) {
  const matched = holes.filter((hole) => otherHoles.some((other) => sameRing(hole, other)));
  return sameRing(outline, otherOutline) && holes.length === otherHoles.length && matched.length === holes.length;
}

/** @param {number[][]} a @param {number[][]} b */
function sameRing(a, b) {
  const near = (/** @type {number[]} */ [x, y]) => b.some(([u, v]) => Math.abs(x - u) < 1e-7 && Math.abs(y - v) < 1e-7);
  return a.length === b.length && a.every(near);
}

/** A closed square, counter-clockwise. @param {number} x @param {number} y @param {number} side */
export function square(x, y, side) {
  const round = (/** @type {number} */ value) => Number(value.toFixed(7));
  const [east, north] = [round(x + side), round(y + side)];
  return [[x, y], [east, y], [east, north], [x, north], [x, y]];
}

/** @param {number} epsg @param {number[][]} ring lon, lat */
export const inCrs = (epsg, ring) => ring.map(([lon, lat]) => projectionOf(epsg)(lon, lat));
