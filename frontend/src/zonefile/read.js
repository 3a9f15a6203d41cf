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
export const MOST_BYTES = 20_000_000;

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
 * @param {Blob | string} source
 * @param {number} mostVertices of a zone
 * @returns {Promise<Found>} one feature at least
 * @throws {Refusal}
 */
export async function readZones(source, mostVertices) {
  const size = typeof source === 'string' ? source.length : source.size;
  requireSize(size, MOST_BYTES);
  const shapes = typeof source === 'string' ? shapesOfText(source) : await shapesOfBytes(await bytesOf(source));
  const polygons = shapes.filter((shape) => verticesOf(shape) > 0);
  if (polygons.length === 0) throw new Refusal('noPolygon');
  return {
    names: polygons.map(({ name }) => name),
    crs: [...new Set(polygons.map(({ crs }) => crs.label))].join(', '),
    leftOut: shapes.length - polygons.length,
    zone: (index) => zoneOf(index === undefined ? polygons : [polygons[index]], mostVertices),
  };
}

/** @param {number} bytes @param {number} most */
function requireSize(bytes, most) {
  if (bytes > most) throw new Refusal('fileTooLarge', { size: Math.ceil(bytes / 1e6), limit: MOST_BYTES / 1e6 });
}

/** @param {Blob} file */
async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    // a folder, or a file gone since it was chosen
    throw new Refusal('fileUnreadable');
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Shape[]>} */
async function shapesOfBytes(bytes) {
  if (bytes.length === 0) throw new Refusal('fileEmpty');
  if (ZIP.test(String.fromCharCode(...bytes.subarray(0, 4)))) return shapesOfZip(viewOf(bytes));
  return shapesOfFile(bytes);
}

/** Of anything but an archive. @param {Uint8Array} bytes */
function shapesOfFile(bytes) {
  if (isSqlite(bytes)) return whole('GeoPackage', () => [...readGeoPackage(bytes)]);
  if (isShp(viewOf(bytes))) throw new Refusal('shpAlone');
  return shapesOfText(textOf(bytes));
}

/** @param {string} text */
function shapesOfText(text) {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') throw new Refusal('fileEmpty');
  if (/^[{[]/.test(trimmed)) return whole('GeoJSON', () => [...readGeoJson(trimmed)]);
  if (trimmed.startsWith('<')) return [...readKml(trimmed)];
  if (looksLikeWkt(trimmed)) return [...readWkt(trimmed)];
  throw new Refusal('fileUnknown');
}

/**
 * A zipped shapefile (or several), a KMZ, or any of the other files packed.
 *
 * @param {DataView<ArrayBuffer>} zip
 */
async function shapesOfZip(zip) {
  // Not what macOS adds.
  const entries = whole('ZIP', () => zipEntries(zip)).filter(({ name }) => !/(^|\/)(__MACOSX\/|\.)/.test(name));
  let left = MOST_BYTES;
  const unpack = async (/** @type {import('./zip.js').Entry} */ entry) => {
    requireSize(entry.size, left);
    left -= entry.size;
    return unzip(zip, entry);
  };
  /** @type {Shape[]} */
  const shapes = [];
  for (const entry of entries.filter(({ name }) => /\.shp$/i.test(name))) {
    const beside = (/** @type {string} */ ending) =>
      entries.find(({ name }) => name.toLowerCase() === entry.name.toLowerCase().replace(/shp$/, ending));
    const [prj, dbf] = [beside('prj'), beside('dbf')];
    if (!prj) throw new Refusal('shpAlone');
    const crs = crsOfWkt(textOf(await unpack(prj)));
    const shp = viewOf(await unpack(entry));
    const table = dbf ? viewOf(await unpack(dbf)) : null;
    shapes.push(...whole('Shapefile', () => [...readShapefile(shp, crs, table)]));
  }
  if (shapes.length > 0) return shapes;
  const other = entries.find(({ name }) => /\.(kml|geojson|json|gpkg|wkt)$/i.test(name));
  if (!other) throw new Refusal('zipNothing');
  return shapesOfFile(await unpack(other));
}

/** @template {ArrayBufferLike} B @param {Uint8Array<B>} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
