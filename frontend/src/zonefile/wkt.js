/** Shapes of well-known text (OGC 06-103r4, section 7), with PostGIS's `SRID=…;` before it, alone or among other columns. */
import { ASSUMED, requireEpsg } from './crs.js';
import { Refusal } from './refusal.js';

// The insides of a GEOMETRYCOLLECTION are found like geometries of their own.
const TOKEN = /\bSRID\s*=\s*(\d+)|\b(MULTI)?(POLYGON|POINT|LINESTRING|CURVE|SURFACE|CURVEPOLYGON|CIRCULARSTRING|COMPOUNDCURVE|POLYHEDRALSURFACE|TIN|TRIANGLE)(?:\s*(?:ZM?|M))?\s*(EMPTY\b|(?=\())/gi;

/** Whether a text seems to hold WKT. @param {string} text */
export function looksLikeWkt(text) {
  return text.search(TOKEN) >= 0;
}

/**
 * @param {string} text
 * @returns {Generator<import('./shape.js').Shape>}
 * @throws {Refusal}
 */
export function* readWkt(text) {
  const tokens = new RegExp(TOKEN);
  let crs = ASSUMED;
  for (let token = tokens.exec(text); token; token = tokens.exec(text)) {
    const [all, srid, multi, kind, empty] = token;
    const type = kind?.toUpperCase();
    if (srid) crs = requireEpsg(Number(srid));
    else if (/POINT|LINESTRING/.test(type) && type !== 'CIRCULARSTRING') yield { name: '', crs, polygons: [] };
    else if (type !== 'POLYGON') throw new Refusal('geometryUnknown', { type: all.trim() });
    else if (!empty) {
      const end = closing(text, tokens.lastIndex);
      yield { name: '', crs, polygons: polygonsOf(text.slice(tokens.lastIndex, end), multi ? 3 : 2) };
      tokens.lastIndex = end;
    }
  }
}

/**
 * Where the bracket opened at a place is closed, exclusive.
 *
 * @param {string} text
 * @param {number} start
 */
function closing(text, start) {
  const brackets = /[()]/g;
  brackets.lastIndex = start;
  let open = 0;
  for (let found = brackets.exec(text); found; found = brackets.exec(text)) {
    open += found[0] === '(' ? 1 : -1;
    if (open === 0) return brackets.lastIndex;
  }
  throw invalid(text.slice(start));
}

/**
 * @param {string} text in brackets
 * @param {number} depth of the positions in them: 2 in a polygon, 3 in many
 * @returns {number[][][][]}
 */
function polygonsOf(text, depth) {
  const compact = text.replace(/\s+/g, ' ').replace(/ ?([(),]) ?/g, '$1');
  const [before, after] = ['('.repeat(depth), ')'.repeat(depth)];
  if (!compact.startsWith(before) || !compact.endsWith(after)) throw invalid(text);
  return compact.slice(depth, -depth).split(depth === 3 ? ')),((' : after).map((polygon) => polygon.split('),(').map(positionsOf));
}

/** @param {string} ring `x y, x y, …` */
function positionsOf(ring) {
  if (/[()]/.test(ring)) throw invalid(ring);
  return ring.split(',').map((position) => position.split(' ').map(Number));
}

/** @param {string} text from the fault on */
function invalid(text) {
  return new Refusal('wktInvalid', { text: text.slice(0, 40) });
}
