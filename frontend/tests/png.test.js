// @vitest-environment node
import { crc32, deflateSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { readPalettePng } from '../src/png.js';

/** @typedef {(values: number[][], x: number, y: number) => number} Predictor */

const at = (/** @type {number[][]} */ values, /** @type {number} */ x, /** @type {number} */ y) => values[y]?.[x] ?? 0;

// Predictions of section 9.2 of the PNG specification, written from its formulas.
/** @type {Record<string, [number, Predictor]>} */
const FILTERS = {
  none: [0, () => 0],
  left: [1, (values, x, y) => at(values, x - 1, y)],
  above: [2, (values, x, y) => at(values, x, y - 1)],
  average: [3, (values, x, y) => Math.floor((at(values, x - 1, y) + at(values, x, y - 1)) / 2)],
  paeth: [
    4,
    (values, x, y) => {
      const [a, b, c] = [at(values, x - 1, y), at(values, x, y - 1), at(values, x - 1, y - 1)];
      const p = a + b - c;
      return [a, b, c].reduce((best, candidate) => (Math.abs(p - candidate) < Math.abs(p - best) ? candidate : best));
    },
  ],
};

/** @param {string} type @param {Uint8Array} body */
function chunk(type, body) {
  const named = Buffer.concat([Buffer.from(type), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

/**
 * @param {number[][]} values rows
 * @param {[number, Predictor][]} filters one a row, repeated
 * @param {{depth?: number, pieces?: number}} [options]
 */
function encode(values, filters, { depth = 8, pieces = 1 } = {}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(values[0].length, 0);
  header.writeUInt32BE(values.length, 4);
  header.set([depth, 3, 0, 0, 0], 8);
  const scanlines = values.flatMap((row, y) => {
    const [type, predict] = filters[y % filters.length];
    return [type, ...row.map((value, x) => (value - predict(values, x, y)) & 255)];
  });
  const compressed = deflateSync(Buffer.from(scanlines));
  const step = Math.ceil(compressed.length / pieces);
  const data = Array.from({ length: pieces }, (_, i) => chunk('IDAT', compressed.subarray(i * step, (i + 1) * step)));
  const file = Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.alloc(768)),
    chunk('tRNS', Buffer.from([0])),
    ...data,
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return new Uint8Array(file).buffer;
}

const VALUES = Array.from({ length: 9 }, (_, y) => Array.from({ length: 7 }, (_, x) => (x * 31 + y * y * 17 + x * y) % 256));

describe('readPalettePng', () => {
  test.each(Object.entries(FILTERS))('gives the values back from filter %s', async (_, filter) => {
    const png = await readPalettePng(encode(VALUES, [filter]));

    expect([png.width, png.height]).toEqual([7, 9]);
    expect([...png.indices]).toEqual(VALUES.flat());
  });

  test('gives the values back when every row has another filter and the data come in pieces', async () => {
    const png = await readPalettePng(encode(VALUES, Object.values(FILTERS), { pieces: 4 }));

    expect([...png.indices]).toEqual(VALUES.flat());
  });

  test('refuses what is no PNG', async () => {
    await expect(readPalettePng(new ArrayBuffer(40))).rejects.toThrow('not a PNG');
  });

  test('refuses another bit depth, whose indices would be read wrong', async () => {
    await expect(readPalettePng(encode(VALUES, [FILTERS.none], { depth: 4 }))).rejects.toThrow('8 bit');
  });

  test('refuses a file whose data were cut', async () => {
    const file = encode(VALUES, [FILTERS.none]);

    await expect(readPalettePng(file.slice(0, file.byteLength - 30))).rejects.toThrow();
  });
});
