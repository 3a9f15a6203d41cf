/** The tables of an SQLite database, read only: just what a GeoPackage needs (https://www.sqlite.org/fileformat2.html). */
import { damaged, Refusal } from './refusal.js';

const FORMAT = 'GeoPackage';
const SIGNATURE = 'SQLite format 3\0';
const INTERIOR = 5;
const LEAF = 13;
/** Characters of a statement that makes a table: thousands of columns. */
const MOST_SQL = 100_000;
const ENCODINGS = ['utf-8', 'utf-8', 'utf-16le', 'utf-16be'];

/** @typedef {string | number | Uint8Array | null} Value */
/**
 * Its rows by column, in lower case, and by `rowid`: a column that is another name of it is null.
 *
 * @typedef {() => Generator<Record<string, Value>>} Table
 */

/** Whether bytes begin as a database does. @param {Uint8Array} bytes */
export function isSqlite(bytes) {
  return [...SIGNATURE].every((character, i) => bytes[i] === character.charCodeAt(0));
}

/**
 * @param {Uint8Array} bytes the whole file
 * @returns {Map<string, Table>} by name, in lower case
 * @throws {RangeError | Refusal}
 */
export function sqliteTables(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // 2: a write-ahead log beside the file holds what is newest, as long as a program has it open.
  if (view.getUint8(18) > 1 || view.getUint8(19) > 1) throw new Refusal('gpkgOpen');
  const declared = view.getUint16(16);
  const pageBytes = declared === 1 ? 65_536 : declared;
  const usable = pageBytes - view.getUint8(20);
  const pages = Math.floor(bytes.length / pageBytes);
  if (pageBytes < 512 || usable < 480 || view.getUint32(28) > pages) throw damaged(FORMAT);
  const decoder = new TextDecoder(ENCODINGS[view.getUint32(56)]);

  /** @param {number} page @param {Set<number>} seen pages of the tree, each of which has one place in it */
  function startOf(page, seen) {
    if (page < 1 || page > pages || seen.has(page)) throw damaged(FORMAT);
    seen.add(page);
    return (page - 1) * pageBytes;
  }

  /**
   * The records of a table, in the order of their row numbers.
   *
   * @param {number} page
   * @param {Set<number>} seen
   * @returns {Generator<[number, Value[]]>} row number, values
   */
  function* records(page, seen) {
    const start = startOf(page, seen);
    const header = page === 1 ? start + 100 : start;
    const type = view.getUint8(header);
    const count = view.getUint16(header + 3);
    if (type !== INTERIOR && type !== LEAF) throw damaged(FORMAT);
    for (let i = 0; i < count; i++) {
      const cell = start + view.getUint16(header + (type === LEAF ? 8 : 12) + 2 * i);
      if (type === LEAF) yield [varint(view, varint(view, cell)[1])[0], record(payload(cell, seen))];
      else yield* records(view.getUint32(cell), seen);
    }
    if (type === INTERIOR) yield* records(view.getUint32(header + 8), seen);
  }

  /**
   * What a leaf's cell holds, its overflow pages included.
   *
   * @param {number} cell
   * @param {Set<number>} seen
   */
  function payload(cell, seen) {
    const [length, afterLength] = varint(view, cell);
    const [, at] = varint(view, afterLength);
    if (length > bytes.length) throw damaged(FORMAT);
    if (length <= usable - 35) return bytes.subarray(at, at + length);
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const local = least + ((length - least) % (usable - 4));
    const inPage = local <= usable - 35 ? local : least;
    const whole = new Uint8Array(length);
    whole.set(bytes.subarray(at, at + inPage));
    let next = view.getUint32(at + inPage);
    for (let filled = inPage; filled < length; filled += usable - 4) {
      const start = startOf(next, seen);
      whole.set(bytes.subarray(start + 4, start + Math.min(usable, 4 + length - filled)), filled);
      next = view.getUint32(start);
    }
    return whole;
  }

  /** @param {Uint8Array} body @returns {Value[]} */
  function record(body) {
    const cells = new DataView(body.buffer, body.byteOffset, body.length);
    let [end, at] = varint(cells, 0);
    let place = end;
    const values = [];
    while (at < end) {
      let serial;
      [serial, at] = varint(cells, at);
      const size = serial < 12 ? [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][serial] : Math.floor((serial - 12) / 2);
      const part = body.subarray(place, place + size);
      if (part.length < size) throw damaged(FORMAT);
      values.push(valueOf(serial, part));
      place += size;
    }
    return values;
  }

  /** @param {number} serial @param {Uint8Array} part @returns {Value} */
  function valueOf(serial, part) {
    if (serial === 0) return null;
    if (serial === 7) return new DataView(part.buffer, part.byteOffset).getFloat64(0);
    if (serial >= 12) return serial % 2 === 0 ? part : decoder.decode(part);
    if (serial >= 8) return serial - 8;
    return part.subarray(1).reduce((sum, byte) => sum * 256 + byte, (part[0] << 24) >> 24);
  }

  const tables = new Map();
  for (const [, [type, name, , root, sql]] of records(1, new Set())) {
    if (type !== 'table' || typeof root !== 'number' || root === 0) continue;
    const columns = columnsOf(String(sql));
    tables.set(String(name).toLowerCase(), function* () {
      for (const [rowid, values] of records(root, new Set())) {
        yield Object.fromEntries([['rowid', rowid], ...columns.map((column, i) => [column, values[i] ?? null])]);
      }
    });
  }
  return tables;
}

/**
 * A number of one to nine bytes, and where it ends.
 *
 * @param {DataView} view
 * @param {number} at
 * @returns {[number, number]}
 */
function varint(view, at) {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = view.getUint8(at + i);
    value = value * 128 + (byte & 127);
    if (byte < 128) return [value, at + i + 1];
  }
  return [value * 256 + view.getUint8(at + 8), at + 9];
}

/**
 * Names of the columns a CREATE TABLE statement makes, in lower case.
 *
 * @param {string} sql
 */
export function columnsOf(sql) {
  if (sql.length > MOST_SQL) throw damaged(FORMAT);
  const tokens = sql.matchAll(/--[^\n]*|\/\*[^]*?\*\/|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|'(?:[^']|'')*'|[(),]|[^\s(),"'`[]+/g);
  const columns = [];
  let depth = 0;
  let first = false;
  for (const [token] of tokens) {
    if (/^(--|\/\*)/.test(token)) continue;
    if (token === '(') first = ++depth === 1;
    else if (token === ')') depth--;
    else if (token === ',') first = depth === 1;
    else if (first) {
      first = false;
      if (/^(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/i.test(token)) continue;
      columns.push(token.replace(/^["'`[](.*)["'`\]]$/s, '$1').replaceAll('""', '"').toLowerCase());
    }
  }
  return columns;
}
