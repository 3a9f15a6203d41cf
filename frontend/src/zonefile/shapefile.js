/** Polygons of a shapefile's .shp, named by its .dbf (ESRI Shapefile Technical Description, July 1998). */
import { damaged, Refusal } from './refusal.js';
import { nameOf } from './shape.js';
import { decoderOf } from './text.js';

const FORMAT = 'Shapefile';
const MAGIC = 9994;
const HEADER_BYTES = 100;
const POLYGONS = [5, 15, 25];
const MULTIPATCH = 31;

/** Whether bytes begin as a .shp does. @param {DataView} bytes */
export function isShp(bytes) {
  return bytes.byteLength >= 4 && bytes.getInt32(0) === MAGIC;
}

/**
 * @param {DataView} shp
 * @param {import('./crs.js').Crs} crs
 * @param {DataView | null} dbf
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {RangeError | Refusal}
 */
export function* readShapefile(shp, crs, dbf) {
  if (!isShp(shp) || shp.getInt32(24) * 2 > shp.byteLength) throw damaged(FORMAT);
  const names = dbf ? readNames(dbf) : [];
  let index = 0;
  for (let at = HEADER_BYTES; at + 12 <= shp.byteLength; index++) {
    const body = at + 8;
    const type = shp.getInt32(body, true);
    if (type === MULTIPATCH) throw new Refusal('geometryUnknown', { type: 'MultiPatch' });
    // 0: a record without a shape
    if (type !== 0) {
      const isPolygon = POLYGONS.includes(type);
      yield { name: names[index] ?? '', crs, polygons: isPolygon ? [readRings(shp, body)] : [], loose: isPolygon };
    }
    at = body + shp.getInt32(at + 4) * 2;
    if (at <= body) throw damaged(FORMAT);
  }
}

/**
 * @param {DataView} shp
 * @param {number} body
 */
function readRings(shp, body) {
  const count = shp.getInt32(body + 36, true);
  const points = shp.getInt32(body + 40, true);
  const first = body + 44 + 4 * count;
  if (count < 0 || points < 0 || first + 16 * points > shp.byteLength) throw damaged(FORMAT);
  const starts = Array.from({ length: count }, (_, i) => shp.getInt32(body + 44 + 4 * i, true));
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? points;
    if (start < 0 || end > points || start > end) throw damaged(FORMAT);
    return Array.from({ length: end - start }, (_, k) => {
      const at = first + 16 * (start + k);
      return [shp.getFloat64(at, true), shp.getFloat64(at + 8, true)];
    });
  });
}

/**
 * The names of the records of a dBASE table, in its order.
 *
 * @param {DataView} dbf
 */
function readNames(dbf) {
  const [records, headerBytes, recordBytes] = [dbf.getUint32(4, true), dbf.getUint16(8, true), dbf.getUint16(10, true)];
  const bytes = new Uint8Array(dbf.buffer, dbf.byteOffset, dbf.byteLength);
  const decoder = decoderOf(bytes.subarray(headerBytes));
  const text = (/** @type {number} */ at, /** @type {number} */ length) =>
    decoder.decode(bytes.subarray(at, at + length)).replace(/\0.*/s, '').trim();
  const fields = [];
  // 1: the flag of deleted records
  for (let at = 32, offset = 1; at + 32 < headerBytes; at += 32) {
    const [type, length] = [String.fromCharCode(dbf.getUint8(at + 11)), dbf.getUint8(at + 16)];
    if (type === 'C') fields.push({ key: text(at, 11), offset, length });
    offset += length;
  }
  const names = [];
  for (let at = headerBytes; recordBytes > 0 && names.length < records && at + recordBytes <= dbf.byteLength; at += recordBytes) {
    const start = at;
    names.push(nameOf(Object.fromEntries(fields.map(({ key, offset, length }) => [key, text(start + offset, length)]))));
  }
  return names;
}
