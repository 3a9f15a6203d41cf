/** The members of a zip archive (PKWARE's APPNOTE.TXT, 4.3), unpacked one at a time and never beyond the size they declare. */
import { damaged, Refusal } from './refusal.js';

const FORMAT = 'ZIP';
const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const MOST_COMMENT_BYTES = 65_535;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

/** @typedef {{name: string, flags: number, method: number, crc: number, packed: number, size: number, at: number}} Entry */

/**
 * Its members, by the directory at its end.
 *
 * @param {DataView<ArrayBuffer>} zip
 * @returns {Entry[]}
 * @throws {RangeError | Refusal}
 */
export function zipEntries(zip) {
  const bytes = new Uint8Array(zip.buffer, zip.byteOffset, zip.byteLength);
  let end = zip.byteLength - END_BYTES;
  const lowest = Math.max(0, end - MOST_COMMENT_BYTES);
  while (end >= lowest && zip.getUint32(end, true) !== END) end--;
  if (end < lowest) throw damaged(FORMAT);
  const entries = [];
  let at = zip.getUint32(end + 16, true);
  for (let i = zip.getUint16(end + 10, true); i > 0; i--) {
    if (zip.getUint32(at, true) !== ENTRY) throw damaged(FORMAT);
    const nameBytes = zip.getUint16(at + 28, true);
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes)),
      flags: zip.getUint16(at + 8, true),
      method: zip.getUint16(at + 10, true),
      crc: zip.getUint32(at + 16, true),
      packed: zip.getUint32(at + 20, true),
      size: zip.getUint32(at + 24, true),
      at: zip.getUint32(at + 42, true),
    });
    at += 46 + nameBytes + zip.getUint16(at + 30, true) + zip.getUint16(at + 32, true);
  }
  return entries;
}

/**
 * @param {DataView<ArrayBuffer>} zip
 * @param {Entry} entry
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {Refusal} if it is protected or damaged
 */
export async function unzip(zip, { flags, method, crc, packed, size, at }) {
  if (flags & ENCRYPTED) throw new Refusal('zipLocked');
  if (method !== STORED && method !== DEFLATED) throw damaged(FORMAT);
  if (at + 30 > zip.byteLength) throw damaged(FORMAT);
  const start = at + 30 + zip.getUint16(at + 26, true) + zip.getUint16(at + 28, true);
  if (start + packed > zip.byteLength) throw damaged(FORMAT);
  const body = new Uint8Array(zip.buffer, zip.byteOffset + start, packed);
  if (method === STORED) return body;
  // As a gzip file, so that the browser checks the sum and the size.
  const frame = new DataView(new ArrayBuffer(18));
  frame.setUint32(0, 0x1f8b0800);
  frame.setUint32(10, crc, true);
  frame.setUint32(14, size, true);
  return inflated(new Blob([frame.buffer.slice(0, 10), body, frame.buffer.slice(10)]), size);
}

/**
 * @param {Blob} gzip
 * @param {number} size what it must unpack to
 */
async function inflated(gzip, size) {
  const bytes = new Uint8Array(size);
  const reader = gzip.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  let at = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // Beyond the size that it declares, a RangeError: whatever it would grow to is not unpacked.
      bytes.set(part.value, at);
      at += part.value.length;
    }
  } catch {
    await reader.cancel().catch(() => {});
    throw damaged(FORMAT);
  }
  if (at !== size) throw damaged(FORMAT);
  return bytes;
}
