/**
 * Shapes of a KML document (OGC 12-007r2), scanned tag by tag: no entity is resolved, nothing that it points to is fetched,
 * and a browser's parser would put styled error messages into documents that are not well-formed.
 */
import { WGS_84 } from './crs.js';
import { damaged, Refusal } from './refusal.js';
import { MOST_NAME } from './shape.js';

const FORMAT = 'KML';
// Comment or instruction; character data; tag; text.
const TOKEN = /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|<(\/?)(?:[^\s<>/:]+:)?([^\s<>/:!?]+)((?:[\s/][^<>]*)?)>|([^<]+)/y;
/** @type {Record<string, string>} */
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * @param {string} text
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {Refusal}
 */
export function* readKml(text) {
  /** @type {string[]} elements that are open */
  const path = [];
  let content = '';
  let linked = false;
  let found = false;
  /** @type {import('./shape.js').Shape | null} */
  let placemark = null;
  /** @type {number[][][] | null} */
  let polygon = null;
  for (const [, data, closing, name, attributes, characters] of tokens(text)) {
    content += data ?? (characters ? unescaped(characters) : '');
    if (!name) continue;
    if (!closing) {
      if (path.length === 0 && name !== 'kml') throw new Refusal('fileUnknown');
      path.push(name);
      content = '';
      if (name === 'Placemark') placemark = { name: '', crs: WGS_84, polygons: [] };
      else if (name === 'Polygon') polygon = [];
      else if (name === 'NetworkLink') linked = true;
    }
    if (!closing && !attributes.endsWith('/')) continue;
    if (path.pop() !== name) throw damaged(FORMAT);
    if (name === 'coordinates') {
      if (path.includes('outerBoundaryIs')) polygon?.unshift(positions(content));
      else polygon?.push(positions(content));
    } else if (name === 'Polygon' && polygon) {
      found = true;
      if (placemark) placemark.polygons.push(polygon);
      else yield { name: '', crs: WGS_84, polygons: [polygon] };
      polygon = null;
    } else if (name === 'Placemark' && placemark) {
      yield placemark;
      placemark = null;
    } else if (placemark && !placemark.name && (name === 'SimpleData' || (name === 'name' && path.at(-1) === 'Placemark'))) {
      placemark.name = content.trim().slice(0, MOST_NAME);
    }
  }
  if (path.length > 0) throw damaged(FORMAT);
  if (linked && !found) throw new Refusal('kmlLinked');
}

/**
 * @param {string} text
 * @returns {Generator<RegExpExecArray>}
 */
function* tokens(text) {
  const token = new RegExp(TOKEN);
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    // Entities can name other files, or grow without bounds; KML needs none.
    if (!found) throw text.startsWith('<!D', at) ? new Refusal('xmlEntities') : damaged(FORMAT);
    yield found;
  }
}

/** @param {string} characters */
function unescaped(characters) {
  return characters.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (all, decimal, hex, name) => {
    if (name) return ENTITIES[name] ?? all;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** `lon,lat[,height]` between white space. @param {string} coordinates */
function positions(coordinates) {
  const found = coordinates.match(/[^\s,]+(?:\s*,\s*[^\s,]+)*/g) ?? [];
  return found.map((position) => position.split(',').map(Number));
}
