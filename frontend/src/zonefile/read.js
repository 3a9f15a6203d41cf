/** Zones from files and from text, recognised by what is in them. Loaded only when asked for. */
import { crsOfWkt } from './crs.js';
import { readGeoJson } from './geojson.js';
import { readGeoPackage } from './geopackage.js';
import { readKml } from './kml.js';
import { Refusal, whole } from './refusal.js';
import { isShp, readShapefile } from './shapefile.js';
import { isSqlite } from './sqlite.js';
import { textOf } from './text.js';
import { looksLikeWkt, readWkt } from './wkt.js';
import { unzip, zipEntries } from './zip.js';
import { verticesOf, zoneOf } from './zoneof.js';

/** @typedef {import('./shape.js').Shape} Shape */

/** Of a file, and of what is unpacked from one. */
export const MOST_BYTES = 10_000_000;
/** To choose from, or to take together. */
const MOST_FEATURES = 2000;

// "PK", then a member, or the directory of an archive without any.
const ZIP = /^PK(\x03\x04|\x05\x06)/;

/**
 * @typedef {object} Found
 * @property {string[]} names of the features with an area; empty for one without a name
 * @property {string} crs what their coordinates were taken for
 * @property {number} leftOut points and lines
 * @property {(index?: number) => import('../api.js').Zone} zone one of them, or all together
 */

/**
 * @param {string | readonly File[]} source text, or files: one, or those of a shapefile side by side
 * @param {number} mostVertices of a zone
 * @returns {Promise<Found>} one feature at least
 * @throws {Refusal}
 */
export async function readZones(source, mostVertices) {
  const shapes = typeof source === 'string' ? shapesOfPasted(source) : await shapesOfFiles(source);
  const polygons = shapes.filter((shape) => verticesOf(shape) > 0);
  if (polygons.length === 0) throw new Refusal('noPolygon');
  if (polygons.length > MOST_FEATURES) throw new Refusal('tooManyPolygons', { n: polygons.length, limit: MOST_FEATURES });
  return {
    names: polygons.map(({ name }) => name),
    crs: [...new Set(polygons.map(({ crs }) => crs.label))].join(', '),
    leftOut: shapes.length - polygons.length,
    zone: (index) => zoneOf(index === undefined ? polygons : [polygons[index]], mostVertices),
  };
}

/** @param {string} text */
function shapesOfPasted(text) {
  requireSize(text.length, MOST_BYTES);
  return shapesOfText(text);
}

/** @param {readonly File[]} files */
async function shapesOfFiles(files) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  requireSize(size, MOST_BYTES);
  if (files.length > 1) return shapesOfMembers(files.map((file) => ({ name: file.name, bytes: () => bytesOf(file) })));
  const bytes = await bytesOf(files[0]);
  if (bytes.length === 0) throw new Refusal('fileEmpty');
  return ZIP.test(String.fromCharCode(...bytes.subarray(0, 4))) ? shapesOfZip(viewOf(bytes)) : shapesOfBytes(bytes);
}

/** @param {number} bytes @param {number} most */
function requireSize(bytes, most) {
  if (bytes > most) throw new Refusal('fileTooLarge', { size: Math.ceil(bytes / 1e6), limit: MOST_BYTES / 1e6 });
}

/** @param {File} file */
async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    // a folder, or a file gone since it was chosen
    throw new Refusal('fileUnreadable');
  }
}

/** Of anything but an archive. @param {Uint8Array} bytes */
function shapesOfBytes(bytes) {
  if (isSqlite(bytes)) return whole('GeoPackage', () => [...readGeoPackage(bytes)]);
  if (isShp(viewOf(bytes))) throw new Refusal('shpAlone');
  return shapesOfText(textOf(bytes));
}

/** @param {string} text */
function shapesOfText(text) {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') throw new Refusal('fileEmpty');
  if (/^[{[]/.test(trimmed)) return whole('GeoJSON', () => [...readGeoJson(trimmed)]);
  if (trimmed.startsWith('<')) return whole('KML', () => [...readKml(trimmed)]);
  if (looksLikeWkt(trimmed)) return [...readWkt(trimmed)];
  throw new Refusal('fileUnknown');
}

/**
 * A zipped shapefile, a KMZ, or any of the other files packed.
 *
 * @param {DataView<ArrayBuffer>} zip
 */
async function shapesOfZip(zip) {
  // Not what macOS adds.
  const entries = whole('ZIP', () => zipEntries(zip)).filter(({ name }) => !/(^|\/)(__MACOSX\/|\.)/.test(name));
  let left = MOST_BYTES;
  return shapesOfMembers(
    entries.map((entry) => ({
      name: entry.name,
      bytes() {
        requireSize(entry.size, left);
        left -= entry.size;
        return unzip(zip, entry);
      },
    })),
  );
}

/** @typedef {{name: string, bytes: () => Promise<Uint8Array>}} Member */

/** @param {readonly Member[]} members */
async function shapesOfMembers(members) {
  /** @type {Shape[]} */
  const shapes = [];
  let read = 0;
  for (const member of members) {
    if (/\.shp$/i.test(member.name)) shapes.push(...(await shapesOfShapefile(member, members)));
    else if (/\.(kml|geojson|json|gpkg|wkt)$/i.test(member.name)) shapes.push(...shapesOfBytes(await member.bytes()));
    else continue;
    read++;
  }
  if (read === 0) throw new Refusal('zipNothing');
  return shapes;
}

/** @param {Member} shp @param {readonly Member[]} members */
async function shapesOfShapefile(shp, members) {
  const beside = (/** @type {string} */ ending) =>
    members.find(({ name }) => name.toLowerCase() === shp.name.toLowerCase().replace(/shp$/, ending));
  const [prj, dbf] = [beside('prj'), beside('dbf')];
  if (!prj) throw new Refusal('shpAlone');
  const crs = crsOfWkt(textOf(await prj.bytes()));
  const shapes = viewOf(await shp.bytes());
  const table = dbf ? viewOf(await dbf.bytes()) : null;
  return whole('Shapefile', () => [...readShapefile(shapes, crs, table)]);
}

/** @template {ArrayBufferLike} B @param {Uint8Array<B>} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
