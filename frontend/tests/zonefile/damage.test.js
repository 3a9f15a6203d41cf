// @vitest-environment node
import { deflateRawSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { readZones } from '../../src/zonefile/read.js';
import { columnsOf } from '../../src/zonefile/sqlite.js';
import { bytesOf, files } from './fixtures.js';

const MOST = 10_000;
const NAMES = ['lambert93.zip', 'zones.kmz', 'utm31.gpkg', 'zones.kml', 'lambert93.geojson'];

/** Why a file is refused, or null if it gives a zone. @param {any[]} file @returns {Promise<string | null>} */
async function refusal(file) {
  try {
    (await readZones(file, MOST)).zone();
    return null;
  } catch (error) {
    return /** @type {any} */ (error).key ?? Promise.reject(error);
  }
}

/** @param {string} name @param {(view: DataView<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>) => void} change */
function changed(name, change) {
  const bytes = bytesOf(name);
  change(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes);
  return files(bytes);
}

describe.each(NAMES)('%s', (name) => {
  const bytes = bytesOf(name);

  test('cut anywhere, it is refused', async () => {
    for (let part = 0; part < 20; part++) {
      const file = files(bytes.slice(0, Math.floor((bytes.length * part) / 20)));
      expect(await refusal(file), `${part}/20`).not.toBeNull();
    }
  });

  test('with any bytes changed, it is read or refused, and nothing else happens', async () => {
    let seed = 1;
    const random = (/** @type {number} */ below) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let i = 0; i < 60; i++) {
      const file = bytes.slice();
      for (let k = 0; k < 4; k++) file[random(bytes.length)] = random(256);
      const key = await refusal(files(file));
      expect(key === null || typeof key === 'string').toBe(true);
    }
  });
});

describe('zip', () => {
  /** The entries of the directory: where each begins. @param {DataView} zip */
  function directory(zip) {
    let at = zip.getUint32(zip.byteLength - 6, true);
    return Array.from({ length: zip.getUint16(zip.byteLength - 12, true) }, () => {
      const start = at;
      at += 46 + zip.getUint16(at + 28, true) + zip.getUint16(at + 30, true) + zip.getUint16(at + 32, true);
      return start;
    });
  }

  test('a password is told', async () => {
    const file = changed('lambert93.zip', (zip) => directory(zip).forEach((at) => zip.setUint16(at + 8, 1, true)));
    expect(await refusal(file)).toBe('zipLocked');
  });

  test('a member whose sum is wrong is damaged', async () => {
    const file = changed('zones.kmz', (zip) => zip.setUint32(directory(zip)[0] + 16, 1, true));
    expect(await refusal(file)).toBe('fileDamaged');
  });

  test('a member that says to be huge is not unpacked', async () => {
    const file = changed('zones.kmz', (zip) => zip.setUint32(directory(zip)[0] + 24, 1 << 30, true));
    expect(await refusal(file)).toBe('fileTooLarge');
  });

  test('a member that is larger than it says is not unpacked further', async () => {
    expect(await refusal(zipped('bomb.kml', Buffer.alloc(2_000_000, 32), 1000))).toBe('fileDamaged');
  });

  test('a method other than deflate is damaged', async () => {
    const file = changed('zones.kmz', (zip) => zip.setUint16(directory(zip)[0] + 10, 14, true));
    expect(await refusal(file)).toBe('fileDamaged');
  });

  test('a shapefile without its .prj names no system', async () => {
    const file = changed('lambert93.zip', (_, bytes) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = text.indexOf('.prj'); at >= 0; at = text.indexOf('.prj', at + 1)) text.write('.prx', at);
    });
    expect(await refusal(file)).toBe('shpAlone');
  });

  test('an archive in an archive is not opened', async () => {
    expect(await refusal(zipped('inner.zip', Buffer.from(bytesOf('zones.kmz'))))).toBe('zipNothing');
    expect(await refusal(zipped('inner.kml', Buffer.from(bytesOf('zones.kmz'))))).toBe('fileUnknown');
  });

  test('an archive of nothing holds nothing', async () => {
    const end = new Uint8Array(22);
    end.set([0x50, 0x4b, 5, 6]);
    expect(await refusal(files(end))).toBe('zipNothing');
  });

  test('other files are read from an archive too', async () => {
    expect(await refusal(zipped('a/zones.gpkg', Buffer.from(bytesOf('utm31.gpkg'))))).toBeNull();
    expect(await refusal(zipped('__MACOSX/._a.kml', Buffer.from('x')))).toBe('zipNothing');
  });

  /** An archive of one member. @param {string} name @param {Buffer} body @param {number} [size] what it says to unpack to */
  function zipped(name, body, size = body.length) {
    const packed = deflateRawSync(body);
    const named = Buffer.from(name);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(crc32(body), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(size, 24);
    entry.writeUInt16LE(named.length, 28);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(named.length, 26);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(1, 10);
    end.writeUInt32LE(30 + named.length + packed.length, 16);
    return files(...[local, named, packed, entry, named, end].map((part) => new Uint8Array(part)));
  }

  /** @param {Buffer} body */
  function crc32(body) {
    let sum = -1;
    for (const byte of body) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
    }
    return ~sum >>> 0;
  }
});

describe('GeoPackage', () => {
  test('one that is still open elsewhere is refused, its newest rows lying in another file', async () => {
    expect(await refusal(changed('utm31.gpkg', (header) => header.setUint16(18, 0x0202)))).toBe('gpkgOpen');
  });

  test('pages that lead in a circle are damaged', async () => {
    // The first page of the schema tree, or of any tree, sent back to page 1.
    const file = changed('many.gpkg', (pages) => {
      for (let start = 0; start < pages.byteLength; start += 512) {
        const header = start === 0 ? 100 : start;
        if (pages.getUint8(header) === 5) pages.setUint32(header + 8, 1 + start / 512);
      }
    });
    expect(await refusal(file)).toBe('fileDamaged');
  });

  test('another database is not recognised', async () => {
    const file = changed('utm31.gpkg', (_, bytes) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = text.indexOf('gpkg_contents'); at >= 0; at = text.indexOf('gpkg_contents', at + 1)) text.write('gpkx_contents', at);
    });
    expect(await refusal(file)).toBe('fileUnknown');
  });

  test.each([
    ['CREATE TABLE a (fid INTEGER PRIMARY KEY, "Geo ""m""" BLOB, [n o] TEXT(10, 2) DEFAULT \'x,y(\', CONSTRAINT c UNIQUE (fid, b))', ['fid', 'geo "m"', 'n o']],
    ['CREATE TABLE "a b" (\n-- the first, of two\nfid INTEGER, /* , */ `q` REAL CHECK (q > (1)),PRIMARY KEY (fid))', ['fid', 'q']],
  ])('the columns of %s', (sql, columns) => expect(columnsOf(sql)).toEqual(columns));
});
