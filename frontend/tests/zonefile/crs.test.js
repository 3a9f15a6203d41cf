// @vitest-environment node
import { expect, test } from 'vitest';

import { crsOfEpsg, crsOfName, crsOfWkt } from '../../src/zonefile/crs.js';

const METRES_OF_A_DEGREE = 111_320;

/** @param {[number, number] | null} place @param {number} lon @param {number} lat */
function distance_m(place, lon, lat) {
  const [east, north] = [(place?.[0] ?? Number.NaN) - lon, (place?.[1] ?? Number.NaN) - lat];
  return METRES_OF_A_DEGREE * Math.hypot(east * Math.cos((lat * Math.PI) / 180), north);
}

// x, y by pyproj, from the geographic system of each.
test.each([
  [2154, 145_709.788_950, 6_837_422.082_614, -4.5, 48.4],
  [2154, 1_228_060.438_102, 6_154_735.698_711, 9.4, 42.3],
  [2154, 654_180.111_864, 7_089_504.815_863, 2.35, 50.9],
  [3942, 2_212_378.654_505, 1_229_665.004_656, 9.2, 42.1],
  [3946, 1_840_163.604_102, 5_168_242.049_582, 4.8, 45.7],
  [3950, 1_671_443.251_006, 9_222_320.704_365, 2.6, 50.2],
  [9844, 1_570_827.056_096, 3_156_813.053_379, 1.4, 43.6],
  [32630, 484_965.941_660, 5_271_862.818_743, -3.2, 47.6],
  [32631, 521_002.175_590, 4_821_927.139_664, 3.26, 43.55],
  [32632, 508_216.613_592, 4_705_297.924_008, 9.1, 42.5],
  [25830, 615_728.745_363, 5_117_362.761_342, -1.5, 46.2],
  [25831, 711_675.535_905, 5_442_623.071_701, 5.9, 49.1],
  [25832, 404_156.652_415, 5_383_806.897_612, 7.7, 48.6],
  [5490, 715_447.875_264, 1_615_033.118_941, -61, 14.6],
  [2972, 355_855.438_441, 541_750.163_564, -52.3, 4.9],
  [2975, 344_197.575_410, 7_666_050.711_042, 55.5, -21.1],
  [4471, 521_705.548_031, 8_584_972.962_468, 45.2, -12.8],
  [4467, 553_317.028_737, 5_194_289.386_308, -56.3, 46.9],
  [32740, 344_197.575_410, 7_666_050.710_970, 55.5, -21.1],
  [3857, 362_901.539_986, 5_396_065.696_762, 3.26, 43.55],
  [4171, 3.26, 43.55, 3.26, 43.55],
])('EPSG:%i is left to the millimetre', (code, x, y, lon, lat) => {
  expect(distance_m(crsOfEpsg(code)?.locate(x, y) ?? null, lon, lat)).toBeLessThan(0.001);
});

test.each(['urn:ogc:def:crs:EPSG::2154', 'urn:ogc:def:crs:EPSG:8.9:2154', 'EPSG:2154', 'http://www.opengis.net/def/crs/EPSG/0/2154'])(
  '%s is Lambert-93',
  (name) => expect(crsOfName(name).label).toBe('EPSG:2154'),
);

// Longitude first in files, although the authority of 4326 says latitude.
test.each(['urn:ogc:def:crs:OGC:1.3:CRS84', 'http://www.opengis.net/def/crs/OGC/1.3/CRS84', 'OGC:CRS84', 'urn:ogc:def:crs:EPSG::4326', 'EPSG:4326'])(
  '%s is longitude, latitude',
  (name) => expect(crsOfName(name).locate(150, 3)).toEqual([150, 3]),
);

/** @param {string} name @param {string} ellipsoid @param {string} method @param {[string, number][]} parameters */
function prj(name, ellipsoid, method, parameters) {
  const listed = parameters.map(([key, value]) => `PARAMETER["${key}",${value.toFixed(1)}]`).join(',');
  return `PROJCS["${name}",GEOGCS["GCS",DATUM["D",SPHEROID[${ellipsoid}]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["${method}"],${listed},UNIT["Meter",1.0]]`;
}
const GRS80 = '"GRS_1980",6378137.0,298.257222101';
const shift = (/** @type {number} */ x, /** @type {number} */ y) => /** @type {[string, number][]} */ ([['False_Easting', x], ['False_Northing', y]]);
const EUROPE = prj('ETRS_1989_LCC', GRS80, 'Lambert_Conformal_Conic', [
  ...shift(4_000_000, 2_800_000), ['Central_Meridian', 10], ['Standard_Parallel_1', 35], ['Standard_Parallel_2', 65], ['Latitude_Of_Origin', 52],
]);
const MERCATOR = prj('WGS_1984_Web_Mercator_Auxiliary_Sphere', '"WGS_1984",6378137.0,298.257223563', 'Mercator_Auxiliary_Sphere', [
  ...shift(0, 0), ['Central_Meridian', 0], ['Standard_Parallel_1', 0], ['Auxiliary_Sphere_Type', 0],
]);
const MAYOTTE = prj('whatever', GRS80, 'Transverse_Mercator', [
  ...shift(500_000, 10_000_000), ['Central_Meridian', 45], ['Latitude_Of_Origin', 0],
]).replace('PARAMETER["Latitude_Of_Origin"', 'PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin"');

test.each([
  ['a conic with names of its own', EUROPE, 3_470_729.431_871, 1_914_888.299_817, 3.26, 43.55],
  ['a transverse Mercator', MAYOTTE, 521_705.548_031, 8_584_972.962_468, 45.2, -12.8],
  ['the Mercator of web maps', MERCATOR, 362_901.539_986, 5_396_065.696_762, 3.26, 43.55],
  ['degrees', 'GEOGCS["GCS_WGS_1984",DATUM["D",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]', 3, 44, 3, 44],
  ['an authority', 'PROJCS["RGF93 v1 / Lambert-93",GEOGCS["RGF93 v1",AUTHORITY["EPSG","4171"]],AUTHORITY["EPSG","2154"]]', 654_180.111_864, 7_089_504.815_863, 2.35, 50.9],
])('a definition by %s is recognised', (_, wkt, x, y, lon, lat) => {
  expect(distance_m(crsOfWkt(wkt).locate(x, y), lon, lat)).toBeLessThan(0.001);
});

const LAMBERT_2 =
  'PROJCS["NTF_Paris_Lambert_Zone_II",GEOGCS["GCS_NTF_Paris",DATUM["Nouvelle_Triangulation_Francaise_(Paris)",SPHEROID["Clarke_1880_IGN",6378249.2,293.466021293627]],PRIMEM["Paris",2.33722917],UNIT["Grad",0.0157079632679489]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",600000.0],PARAMETER["False_Northing",2200000.0],PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",52.0],PARAMETER["Scale_Factor",0.99987742],PARAMETER["Latitude_Of_Origin",52.0],UNIT["Meter",1.0]]';

test.each([
  ['of another datum', LAMBERT_2, 'NTF_Paris_Lambert_Zone_II'],
  ['in feet', EUROPE.replace('UNIT["Meter",1.0]', 'UNIT["Foot_US",0.3048006096012192]'), 'ETRS_1989_LCC'],
  ['of another meridian', EUROPE.replace('"Greenwich",0.0', '"Paris",2.33722917'), 'ETRS_1989_LCC'],
  ['of another projection', EUROPE.replace('Lambert_Conformal_Conic', 'Polyconic'), 'ETRS_1989_LCC'],
  ['of nothing', '', '?'],
])('a definition %s is refused by its name', (_, wkt, crs) => {
  expect(() => crsOfWkt(wkt)).toThrow(expect.objectContaining({ key: 'crsUnknown', values: { crs } }));
});

test.each([
  ['EPSG:27572', 27572],
  ['EPSG:25827', 25827],
  ['EPSG:32661', 32661],
])('%s is not known', (_, code) => expect(crsOfEpsg(code)).toBeNull());

test.each([
  ['degrees', 2154, 3, 44],
  ['nothing', 32631, Number.NaN, 0],
  ['the other hemisphere', 32631, 500_000, 8_000_000 + 10_000_000],
  ['infinitely far', 3857, 1e300, 1e300],
])('%s in metres are nowhere', (_, code, x, y) => expect(crsOfEpsg(code)?.locate(x, y)).toBeNull());
