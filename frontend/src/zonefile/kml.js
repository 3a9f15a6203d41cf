/** Shapes of a KML document (OGC 12-007r2). Nothing it points to is fetched. */
import { WGS_84 } from './crs.js';
import { damaged, Refusal } from './refusal.js';

const FORMAT = 'KML';
const BEFORE_ROOT = /\s+|<\?[^]*?\?>|<!--[^]*?-->/y;

/**
 * @param {string} text
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {Refusal}
 */
export function* readKml(text) {
  let at = 0;
  for (BEFORE_ROOT.lastIndex = 0; BEFORE_ROOT.test(text); ) at = BEFORE_ROOT.lastIndex;
  // Entities can name other files, or grow without bounds; KML needs none.
  if (text.startsWith('<!', at)) throw new Refusal('xmlEntities');
  const { documentElement: root } = new DOMParser().parseFromString(text, 'application/xml');
  if (root.getElementsByTagName('parsererror').length > 0 || root.localName === 'parsererror') throw damaged(FORMAT);
  if (root.localName !== 'kml') throw new Refusal('fileUnknown');

  /** @type {Map<Element, number[][][][]>} polygons of each placemark */
  const placemarks = new Map();
  for (const polygon of all(root, 'Polygon')) {
    const placemark = polygon.closest('Placemark') ?? polygon;
    const sides = [...all(polygon, 'outerBoundaryIs'), ...all(polygon, 'innerBoundaryIs')];
    const polygons = placemarks.get(placemark) ?? [];
    polygons.push(sides.flatMap((side) => all(side, 'coordinates')).map(positions));
    placemarks.set(placemark, polygons);
  }
  if (placemarks.size === 0 && all(root, 'NetworkLink').length > 0) throw new Refusal('kmlLinked');
  for (const [placemark, polygons] of placemarks) {
    yield { name: placemark.querySelector(':scope > name, SimpleData')?.textContent?.trim().slice(0, 60) ?? '', crs: WGS_84, polygons };
  }
  for (const placemark of all(root, 'Placemark')) {
    if (!placemarks.has(placemark)) yield { name: '', crs: WGS_84, polygons: [] };
  }
}

/** @param {Element} root @param {string} name */
function all(root, name) {
  return [...root.getElementsByTagNameNS('*', name)];
}

/** `lon,lat[,height]` between white space. @param {Element} coordinates */
function positions(coordinates) {
  const text = (coordinates.textContent ?? '').replace(/\s*,\s*/g, ',').trim();
  return text.split(/\s+/).map((position) => position.split(',').map(Number));
}
