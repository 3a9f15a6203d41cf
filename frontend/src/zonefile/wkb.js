/** Polygons of well-known binary (OGC 06-103r4, section 8), ISO's or PostGIS's, with or without heights and measures. */
import { damaged, Refusal } from './refusal.js';

const FORMAT = 'WKB';
const POLYGON = 3;
const MULTI_POLYGON = 6;
const COLLECTION = 7;
const MOST_NESTED = 20;
// PostGIS marks in the upper bits what ISO adds as thousands.
const EWKB_Z = 0x80000000;
const EWKB_M = 0x40000000;
const EWKB_SRID = 0x20000000;

/**
 * @param {DataView} wkb
 * @returns {number[][][][]} empty for points and lines
 * @throws {RangeError | Refusal}
 */
export function polygonsOfWkb(wkb) {
  let at = 0;
  let little = true;
  const uint32 = () => {
    at += 4;
    return wkb.getUint32(at - 4, little);
  };
  const times = (/** @type {number} */ n, /** @type {() => any} */ read) => {
    const items = [];
    for (let i = 0; i < n; i++) items.push(read());
    return items;
  };

  /** @param {number} depth @returns {number[][][][]} */
  function geometry(depth) {
    if (depth > MOST_NESTED) throw damaged(FORMAT);
    little = wkb.getUint8(at++) === 1;
    const code = uint32();
    if (code & EWKB_SRID) at += 4;
    const thousands = Math.floor((code & 0xffff) / 1000);
    const kind = (code & 0xffff) % 1000;
    const hasZ = (code & EWKB_Z) !== 0 || thousands === 1 || thousands === 3;
    const hasM = (code & EWKB_M) !== 0 || thousands >= 2;
    const position = () => {
      const place = [wkb.getFloat64(at, little), wkb.getFloat64(at + 8, little)];
      at += 16 + (hasZ ? 8 : 0) + (hasM ? 8 : 0);
      return place;
    };
    if (kind === POLYGON) return [times(uint32(), () => times(uint32(), position))];
    if (kind === MULTI_POLYGON || kind === COLLECTION) return times(uint32(), () => geometry(depth + 1)).flat();
    if (kind > COLLECTION) throw new Refusal('geometryUnknown', { type: `WKB ${kind}` });
    skipWithoutArea(kind, depth, position);
    return [];
  }

  /** Points and lines, single or many. @param {number} kind @param {number} depth @param {() => unknown} position */
  function skipWithoutArea(kind, depth, position) {
    if (kind === 1) position();
    else if (kind === 2) times(uint32(), position);
    else times(uint32(), () => geometry(depth + 1));
  }

  return geometry(0);
}
