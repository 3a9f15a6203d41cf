// @vitest-environment node
import { expect, test } from 'vitest';

import { linkOfZone, MOST_CHARACTERS, zoneOfLink } from '../src/zonelink.js';

/** @typedef {import('../src/api.js').Zone} Zone */

const SQUARE = [[3, 43], [3.001, 43], [3.001, 43.001], [3, 43.001], [3, 43]];
const HOLE = [[3.0002, 43.0002], [3.0004, 43.0004], [3.0004, 43.0002], [3.0002, 43.0002]];
const FAR = [[-178.1234567, -14.3], [-178.1234566, -14.3], [-178.12, -14.2999999], [-178.1234567, -14.3]];

/** @param {number} vertices */
function circle(vertices) {
  const ring = Array.from({ length: vertices }, (_, i) => {
    const angle = (2 * Math.PI * i) / vertices;
    return [3.2 + 0.01 * Math.cos(angle), 43.5 + 0.01 * Math.sin(angle)].map((degrees) => Number(degrees.toFixed(7)));
  });
  return /** @type {Zone} */ ({ type: 'Polygon', coordinates: [[...ring, ring[0]]] });
}

test.each(/** @type {[string, Zone][]} */ ([
  ['a polygon', { type: 'Polygon', coordinates: [SQUARE] }],
  ['one with a hole', { type: 'Polygon', coordinates: [SQUARE, HOLE] }],
  ['several, overseas and beyond the equator', { type: 'MultiPolygon', coordinates: [[SQUARE, HOLE], [FAR]] }],
  ['a circle', circle(100)],
]))('%s comes back from its link to the last digit', (_, zone) => {
  expect(zoneOfLink(/** @type {string} */ (linkOfZone(zone)))).toEqual(zone);
});

test('a link is short, and written without characters that addresses reserve', () => {
  const link = linkOfZone({ type: 'MultiPolygon', coordinates: [[SQUARE, HOLE], [FAR]] });

  expect(link).toMatch(/^[\w.-]+$/);
  expect(link?.length).toBeLessThan(100);
});

test('a zone too large for a link has none', () => {
  expect(linkOfZone(circle(5000))).toBeNull();
  expect(linkOfZone(circle(150))?.length).toBeLessThanOrEqual(MOST_CHARACTERS);
});

test('a link cut short or with a letter changed is none', () => {
  const link = /** @type {string} */ (linkOfZone({ type: 'Polygon', coordinates: [SQUARE] }));

  for (let end = 0; end < link.length; end++) expect(zoneOfLink(link.slice(0, end))).toBeNull();
  for (let at = 0; at < link.length; at++) expect(zoneOfLink(`${link.slice(0, at)}${link[at] === 'x' ? 'y' : 'x'}${link.slice(at + 1)}`)).toBeNull();
});

test('a place that is not on Earth, or a ring of two vertices, is none though its sum is right', () => {
  const beyond = [[3, 43], [3, 95], [4, 43], [3, 43]];

  expect(zoneOfLink(/** @type {string} */ (linkOfZone({ type: 'Polygon', coordinates: [beyond] })))).toBeNull();
  expect(zoneOfLink(/** @type {string} */ (linkOfZone({ type: 'Polygon', coordinates: [[[3, 43], [4, 44], [3, 43]]] })))).toBeNull();
});
