// @vitest-environment node
import { describe, expect, test } from 'vitest';

import { readZones } from '../../src/zonefile/read.js';
import { unzip, zipEntries } from '../../src/zonefile/zip.js';
import { bytesOf, expected, expectZone, file, files, inCrs, square, textOf } from './fixtures.js';

const MOST = 10_000;
const NAMES = ['Étang de l’Or', 'Bois'];

/** The sentence a source is refused with. @param {any[] | string} source @param {number} [most] */
async function refusal(source, most = MOST) {
  const found = await readZones(source, most).then((zones) => zones.zone()).catch((error) => error);
  return found.key ?? found;
}

describe('files written by GDAL', () => {
  test.each([
    ['lambert93.geojson', 'EPSG:2154'],
    ['lambert93.zip', 'RGF_1993_Lambert_93'],
    ['cc43.zip', 'RGF_1993_CC43'],
    ['utm31.gpkg', 'EPSG:25831'],
    ['zones.kml', 'WGS 84'],
    ['zones.kmz', 'WGS 84'],
  ])('%s gives its zones where PROJ puts them', async (name, crs) => {
    const found = await readZones(file(name), MOST);

    expect(found.names).toEqual(NAMES);
    expect(found.crs).toBe(crs);
    expect(found.leftOut).toBe(0);
    for (const [i, polygons] of expected.zones.entries()) expectZone(found.zone(i), polygons);
    expectZone(found.zone(), expected.zones.flat());
  });

  test('a GeoPackage of many pages, some of them overflow, is read whole', async () => {
    const found = await readZones(file('many.gpkg'), MOST);

    expect(found.names).toHaveLength(61);
    expectZone(found.zone(0), expected.round[0]);
  });

  test('a shapefile of points is refused', async () => {
    expect(await refusal(file('points.zip'))).toBe('noPolygon');
  });
});

describe('text', () => {
  const ring = square(3.2, 43.5, 0.01);
  const polygon = { type: 'Polygon', coordinates: [ring] };
  const wkt = (/** @type {number[][]} */ positions) => `POLYGON ((${positions.map((position) => position.join(' ')).join(', ')}))`;
  const feature = (/** @type {any} */ geometry, /** @type {any} */ properties = null) => ({ type: 'Feature', properties, geometry });

  test.each([
    ['a geometry', JSON.stringify(polygon)],
    ['a Feature', JSON.stringify(feature(polygon, { id: 4, commune: 'Lattes' }))],
    ['a FeatureCollection', JSON.stringify({ type: 'FeatureCollection', features: [feature(polygon), feature(null)] })],
    ['a GeometryCollection', JSON.stringify({ type: 'GeometryCollection', geometries: [polygon, { type: 'Point', coordinates: [3, 43] }] })],
    ['a byte order mark', `\uFEFF  ${JSON.stringify(polygon)}\n`],
    ['an open ring', JSON.stringify({ type: 'Polygon', coordinates: [ring.slice(0, -1)] })],
    ['heights', JSON.stringify({ type: 'Polygon', coordinates: [ring.map((position) => [...position, 12.5])] })],
    ['WKT', wkt(ring)],
    ['WKT with measures, in small letters', wkt(ring.map((position) => [...position, 1, 2])).replace('POLYGON', 'polygon zm').toLowerCase()],
    ['EWKT in degrees', `SRID=4326;${wkt(ring)}`],
    ['EWKT in Lambert-93', `SRID=2154; ${wkt(inCrs(2154, ring))}`],
    ['what QGIS copies', `wkt_geom\tid\tnom\n${wkt(ring)}\t1\tLattes\nPoint (3 43)\t2\tSète\n`],
    ['a WKT collection', `GEOMETRYCOLLECTION (POINT (1 2), ${wkt(ring)}, LINESTRING (1 2, 3 4), POLYGON EMPTY)`],
  ])('%s is read', async (_, text) => {
    const found = await readZones(text, MOST);

    expect(found.names).toHaveLength(1);
    expectZone(found.zone(), [[ring]]);
  });

  test('a MultiPolygon keeps its parts and its holes, outlines turned left and holes right', async () => {
    const hole = square(3.202, 43.502, 0.002).toReversed();
    const far = square(3.5, 43.5, 0.01);
    const text = JSON.stringify({ type: 'MultiPolygon', coordinates: [[ring.toReversed(), hole.toReversed()], [far]] });
    const zone = (await readZones(text, MOST)).zone();

    expect(zone).toEqual({ type: 'MultiPolygon', coordinates: [[startingLike(ring, zone.coordinates[0][0]), startingLike(hole, zone.coordinates[0][1])], [far]] });
  });

  test('features of several polygons are taken together or one by one, points left out', async () => {
    const places = [feature(polygon, { nom: 'Un' }), feature({ type: 'Point', coordinates: [3, 43] }), feature({ ...polygon, coordinates: [square(4, 44, 0.01)] }, { nom: 'Deux' })];
    const found = await readZones(JSON.stringify({ type: 'FeatureCollection', features: places }), MOST);

    expect(found.names).toEqual(['Un', 'Deux']);
    expect(found.leftOut).toBe(1);
    expectZone(found.zone(), [[ring], [square(4, 44, 0.01)]]);
    expectZone(found.zone(1), [[square(4, 44, 0.01)]]);
  });

  test.each([
    ['nothing', '  \n', 'fileEmpty'],
    ['prose', 'Bonjour, voici la zone.', 'fileUnknown'],
    ['a JSON of something else', '{"name": "a"}', 'fileDamaged'],
    ['JSON cut short', JSON.stringify(polygon).slice(0, -3), 'fileDamaged'],
    ['NaN', JSON.stringify(polygon).replace('3.2,', 'NaN,'), 'notFinite'],
    ['Infinity', JSON.stringify(polygon).replace('3.2,', '-Infinity,'), 'notFinite'],
    ['a number beyond all', JSON.stringify(polygon).replace('3.2,', '1e999,'), 'notFinite'],
    ['text for a number', JSON.stringify(polygon).replace('3.2,', '"3.2",'), 'notFinite'],
    ['null for a number', JSON.stringify(polygon).replace('3.2,', 'null,'), 'notFinite'],
    ['a line', '{"type":"LineString","coordinates":[[3,43],[4,44]]}', 'noPolygon'],
    ['no features', '{"type":"FeatureCollection","features":[]}', 'noPolygon'],
    ['a TopoJSON', '{"type":"Topology","objects":{},"arcs":[]}', 'geometryUnknown'],
    ['two corners', '{"type":"Polygon","coordinates":[[[3,43],[4,44],[3,43]]]}', 'ringShort'],
    ['brackets 200 000 deep', '['.repeat(200_000), 'fileDamaged'],
    ['collections 100 deep', `${'{"type":"GeometryCollection","geometries":['.repeat(100)}${']}'.repeat(100)}`, 'fileDamaged'],
    ['a system nobody knows here', JSON.stringify({ ...polygon, crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::27572' } } }), 'crsUnknown'],
    ['metres without a system', wkt(inCrs(2154, ring)), 'crsMissing'],
    ['degrees in the wrong order', wkt(ring.map(([lon, lat]) => [lat, lon])), 'swapped'],
    ['metres in the wrong order', `SRID=2154;${wkt(inCrs(2154, ring).map(([x, y]) => [y, x]))}`, 'swapped'],
    ['latitudes beyond the pole', wkt(square(150, 95, 0.1)), 'outOfRange'],
    ['degrees said to be Lambert-93', `SRID=2154;${wkt(ring)}`, 'outOfRange'],
    ['a ring across the antimeridian', wkt([[179, -17], [-179, -17], [-179, -16], [179, -16], [179, -17]]), 'antimeridian'],
    ['a ring beyond the antimeridian', wkt(square(179, -17, 2)), 'antimeridian'],
    ['WKT cut short', wkt(ring).slice(0, -8), 'wktInvalid'],
    ['a million spaces', `POLYGON${' '.repeat(1_000_000)}`, 'fileUnknown'],
    ['a million spaces in brackets', `POLYGON ((${' '.repeat(1_000_000)}))`, 'notFinite'],
    ['WKT of words', 'POLYGON ((one two, three four))', 'notFinite'],
    ['WKT without a comma', 'POLYGON ((0 0)(1 1))', 'wktInvalid'],
    ['curves', 'CURVEPOLYGON (CIRCULARSTRING (0 0, 4 0, 4 4, 0 4, 0 0))', 'geometryUnknown'],
    ['triangles', 'TIN (((0 0, 1 0, 0 1, 0 0)))', 'geometryUnknown'],
  ])('%s is refused', async (_, text, key) => {
    expect(await refusal(text)).toBe(key);
  });

  test('a refusal tells what is wrong and where', async () => {
    const found = await readZones(`SRID=2154;${wkt(ring)}`, MOST);

    expect(() => found.zone()).toThrow(expect.objectContaining({ values: { x: 3.2, y: 43.5, crs: 'EPSG:2154' } }));
  });

  test('vertices are limited for the zone, not for the file', async () => {
    const places = [1, 2, 3].map((i) => feature({ ...polygon, coordinates: [square(3 + i, 44, 0.01)] }));
    const found = await readZones(JSON.stringify({ type: 'FeatureCollection', features: places }), 12);

    expect(() => found.zone()).toThrow(expect.objectContaining({ key: 'tooManyTogether', values: { n: 15, limit: 12 } }));
    expectZone(found.zone(2), [[square(6, 44, 0.01)]]);
    expect(await refusal(wkt(ring), 4)).toBe('tooManyVertices');
  });

  test('text in the encodings of Windows is understood', async () => {
    const text = JSON.stringify(feature(polygon, { nom: 'Forêt' }));
    const utf16 = files(new Uint8Array([0xff, 0xfe]), new Uint8Array(Buffer.from(text, 'utf16le')));
    const western = files(new Uint8Array(Buffer.from(text, 'latin1')));

    expect((await readZones(utf16, MOST)).names).toEqual(['Forêt']);
    expect((await readZones(western, MOST)).names).toEqual(['Forêt']);
  });
});

describe('KML', () => {
  const kml = (/** @type {string} */ inside) => `<?xml version="1.0"?><!-- <!DOCTYPE --><kml xmlns="http://www.opengis.net/kml/2.2">${inside}</kml>`;
  const link = '<NetworkLink><Link><href>http://example.invalid/zones.kml</href></Link></NetworkLink>';
  const triangle = '<Polygon><outerBoundaryIs><LinearRing><coordinates>\n3,43,0\n4, 43, 0 4,44,0 3,43,0\n</coordinates></LinearRing></outerBoundaryIs></Polygon>';

  test('names, points and pages in descriptions do not disturb', async () => {
    const page = '<description><![CDATA[<!DOCTYPE html><p>a page</p>]]></description>';
    const found = await readZones(kml(`<Document><name>all</name><Placemark><name> L&#8217;un &amp; &lt;b&gt;</name><styleUrl/>${page}${triangle}</Placemark><Placemark><Point/></Placemark>${link}</Document>`), MOST);

    expect(found.names).toEqual(['L’un & <b>']);
    expect(found.leftOut).toBe(1);
    expectZone(found.zone(), [[[[3, 43], [4, 43], [4, 44], [3, 43]]]]);
  });

  test.each([
    ['links to others alone', kml(link), 'kmlLinked'],
    ['entities', `<!DOCTYPE kml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${kml(triangle)}`, 'xmlEntities'],
    ['entities of other files', `<?xml version="1.0"?>\n<!-- a --><!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>`, 'xmlEntities'],
    ['a million spaces', kml(triangle.replace('3,43,0\n', `${' '.repeat(1_000_000)}x `)), 'notFinite'],
    ['a name without an end', `<kml><${'a'.repeat(1_000_000)}`, 'fileDamaged'],
    ['tags crossed', kml('<Document><Folder></Document></Folder>'), 'fileDamaged'],
    ['folders 200 000 deep', kml('<Folder>'.repeat(200_000)), 'fileDamaged'],
    ['tags left open', kml(triangle).slice(0, -20), 'fileDamaged'],
    ['another XML', '<gpx><trk/></gpx>', 'fileUnknown'],
    ['lines', kml('<Placemark><LineString><coordinates>3,43 4,44</coordinates></LineString></Placemark>'), 'noPolygon'],
    ['a position of one number', kml(triangle.replace('4,44,0', '4')), 'notFinite'],
  ])('%s: refused', async (_, text, key) => {
    expect(await refusal(text)).toBe(key);
  });
});

describe('what is none of them', () => {
  test('files are recognised by what is in them, not by their names', async () => {
    expect(await refusal(files(bytesOf('zones.kmz')))).not.toBe('fileUnknown');
    expect(await refusal(files(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a])))).toBe('fileUnknown');
    expect(await refusal(files())).toBe('fileEmpty');
  });

  test('a large file is refused before it is read', async () => {
    const large = /** @type {any} */ ([{ size: 200_000_000, arrayBuffer: () => expect.unreachable('it was read') }]);

    await expect(readZones(large, MOST)).rejects.toMatchObject({ key: 'fileTooLarge', values: { size: 200, limit: 10 } });
  });

  test('a folder cannot be read', async () => {
    const folder = /** @type {any} */ ([{ size: 4096, arrayBuffer: () => Promise.reject(new Error('NotReadableError')) }]);

    expect(await refusal(folder)).toBe('fileUnreadable');
  });

  test('a shapefile by itself names no system', async () => {
    expect(await refusal(files(new Uint8Array([0, 0, 0x27, 0x0a, 0, 0])))).toBe('shpAlone');
  });

  test('the files of a shapefile can be given side by side', async () => {
    const zip = bytesOf('lambert93.zip');
    const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
    const parts = zipEntries(view).map((entry) => ({ name: entry.name, size: entry.size, arrayBuffer: async () => (await unzip(view, entry)).buffer }));
    const found = await readZones(/** @type {any} */ (parts), MOST);

    expect(found.names).toEqual(NAMES);
    expectZone(found.zone(), expected.zones.flat());
    expect(await refusal(/** @type {any} */ (parts.filter(({ name }) => !name.endsWith('.prj'))))).toBe('shpAlone');
  });

  test('more polygons than anybody chooses from are refused', async () => {
    const triangles = Array.from({ length: 2001 }, () => 'POLYGON ((3 44, 3.1 44, 3.1 44.1, 3 44))').join('\n');

    expect(await refusal(triangles)).toBe('tooManyPolygons');
  });

  test('the text of a GDAL file can be pasted', async () => {
    expectZone((await readZones(textOf('lambert93.geojson'), MOST)).zone(0), expected.zones[0]);
  });
});

/** A ring beginning where another does. @param {number[][]} ring @param {number[][]} other */
function startingLike(ring, other) {
  const open = ring.slice(0, -1);
  const start = open.findIndex((position) => `${position}` === `${other[0]}`);
  return [...open.slice(start), ...open.slice(0, start), open[start]];
}
