/** Shapes of a GeoPackage (OGC 12-128r18): every layer of features. */
import { crsOfEpsg, crsOfWkt } from './crs.js';
import { damaged, Refusal } from './refusal.js';
import { nameOf } from './shape.js';
import { sqliteTables } from './sqlite.js';
import { polygonsOfWkb } from './wkb.js';

const FORMAT = 'GeoPackage';
const MAGIC = 0x4750; // "GP"
const EMPTY = 0x10;
/** Of the envelope, by its code in the header (2.1.3.1.1). */
const ENVELOPE_BYTES = [0, 32, 48, 48, 64];

/**
 * @param {Uint8Array} bytes
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {RangeError | Refusal}
 */
export function* readGeoPackage(bytes) {
  const tables = sqliteTables(bytes);
  const rows = (/** @type {string} */ name) => [...(tables.get(name)?.() ?? [])];
  const systems = rows('gpkg_spatial_ref_sys');
  if (!tables.has('gpkg_contents')) throw new Refusal('fileUnknown');
  for (const { table_name, column_name, srs_id } of rows('gpkg_geometry_columns')) {
    const table = tables.get(String(table_name).toLowerCase());
    const column = String(column_name).toLowerCase();
    if (!table) continue; // a view over others
    /** @type {import('./crs.js').Crs | undefined} */
    let crs;
    for (const row of table()) {
      const blob = row[column];
      if (!(blob instanceof Uint8Array)) continue;
      // Only once there is a shape: a layer without any may lie in whatever system.
      crs ??= crsOf(systems.find((system) => (system.srs_id ?? system.rowid) === srs_id));
      const geometry = new DataView(blob.buffer, blob.byteOffset, blob.length);
      const flags = geometry.getUint8(3);
      const envelope = ENVELOPE_BYTES[(flags >> 1) & 7];
      if (geometry.getUint16(0) !== MAGIC || envelope === undefined) throw damaged(FORMAT);
      if (flags & EMPTY) continue;
      const start = 8 + envelope;
      const wkb = new DataView(blob.buffer, blob.byteOffset + start, blob.length - start);
      yield { name: nameOf(row), crs, polygons: polygonsOfWkb(wkb) };
    }
  }
}

/** @param {Record<string, import('./sqlite.js').Value> | undefined} system row of gpkg_spatial_ref_sys */
function crsOf(system) {
  const { organization, organization_coordsys_id: code, definition, srs_name } = system ?? {};
  const known = String(organization).toUpperCase() === 'EPSG' ? crsOfEpsg(Number(code)) : null;
  return known ?? crsOfWkt(String(definition ?? srs_name ?? ''));
}
