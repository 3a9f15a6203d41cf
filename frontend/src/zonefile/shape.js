/** What every format is read into, before coordinates are looked at. */

/** Characters of a name that are shown. */
export const MOST_NAME = 60;

/**
 * A feature with the polygons it holds: none if it is a point or a line.
 *
 * @typedef {object} Shape
 * @property {string} name empty if it has none
 * @property {import('./crs.js').Crs} crs
 * @property {number[][][][]} polygons rings of positions x, y in that system
 * @property {boolean} [loose] the rings of the one polygon are not sorted yet into outlines and holes
 */

/**
 * What a feature is called: by a field that says so, else by its first text.
 *
 * @param {unknown} properties
 */
export function nameOf(properties) {
  const fields = Object.entries(Object(properties)).filter(([, value]) => typeof value === 'string' && value.trim() !== '');
  const [, name] = fields.find(([key]) => /^(nom|name|lib|label|title|titre)/i.test(key)) ?? fields.at(0) ?? ['', ''];
  return String(name).trim().slice(0, MOST_NAME);
}
