// What OpenLayers makes of WMTS capabilities: prints, as JSON, for each place the address of the deepest tile that holds
// it, and its pixel there. usage: node openlayers.mjs NODE_MODULES CAPABILITIES_URL LAYER TILE_MATRIX_SET KVP|REST EPSG X Y...
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, address, layer, matrixSet, requestEncoding, epsg, ...coordinates] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(packages, name)).href);
const require = createRequire(pathToFileURL(path.join(packages, "x.js")).href);

// OpenLayers reads XML with the browser's parser.
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!doctype html><html></html>");
for (const name of ["DOMParser", "Node", "Element", "Document"]) globalThis[name] = window[name];

const { default: WMTSCapabilities } = await load("ol/format/WMTSCapabilities.js");
const { default: WMTS, optionsFromCapabilities } = await load("ol/source/WMTS.js");
const { addProjection } = await load("ol/proj.js");
const { default: Projection } = await load("ol/proj/Projection.js");
if (epsg !== "3857") addProjection(new Projection({ code: `EPSG:${epsg}`, units: "m" }));

const capabilities = new WMTSCapabilities().read(await (await fetch(address)).text());
const options = optionsFromCapabilities(capabilities, { layer, matrixSet, requestEncoding });
const source = new WMTS(options);
const grid = source.getTileGrid();
const z = grid.getResolutions().length - 1;
const resolution = grid.getResolution(z);

function meant(x, y) {
  const tile = grid.getTileCoordForCoordAndZ([x, y], z);
  const [left, , , top] = grid.getTileCoordExtent(tile);
  return {
    url: source.getTileUrlFunction()(tile, 1, source.getProjection()),
    pixel: [Math.floor((x - left) / resolution), Math.floor((top - y) / resolution)],
  };
}

const tiles = [];
for (let i = 0; i < coordinates.length; i += 2) tiles.push(meant(Number(coordinates[i]), Number(coordinates[i + 1])));
console.log(JSON.stringify({ encoding: options.requestEncoding, tiles }));
