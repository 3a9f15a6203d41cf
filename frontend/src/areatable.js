/** Areas of classes, or of their families, as rows of a table: swatch, name, area, share and its bar; the largest first. */
import { element } from './dom.js';
import { t } from './i18n.js';
import { className } from './legend.js';
import { shareText } from './shares.js';

/** @typedef {import('./api.js').ClassArea} ClassArea */
/** @typedef {import('./api.js').Legend} Legend */
/**
 * value: of the class, or of the first class of the family; colour: `#rrggbb` of the bar.
 *
 * @typedef {{value: number, title: string, colour: string, area_m2: number, share: number}} AreaRow
 */

/** A row per class. @param {readonly ClassArea[]} classes @returns {AreaRow[]} */
export function classRows(classes) {
  const rows = classes.map((one) => ({ value: one.value, title: className(one), colour: one.colour, area_m2: one.area_m2, share: one.share }));
  return largestFirst(rows);
}

/**
 * A row per family that has some area.
 *
 * @param {readonly ClassArea[]} classes
 * @param {Legend} legend which tells the family of each class
 * @returns {AreaRow[]}
 */
export function familyRows(classes, legend) {
  const rows = legend.families.flatMap((family) => {
    const values = legend.classes.filter((one) => one.family === family.id).map(({ value }) => value);
    const members = classes.filter(({ value }) => values.includes(value));
    const [area_m2, share] = [sum(members.map((one) => one.area_m2)), sum(members.map((one) => one.share))];
    return members.length > 0 ? [{ value: values[0], title: className(family), colour: family.colour, area_m2, share }] : [];
  });
  return largestFirst(rows);
}

/**
 * @param {HTMLTableElement} table with thead, tbody and tfoot
 * @param {readonly AreaRow[]} rows
 * @param {object} options
 * @param {(area_m2: number) => string} options.areaText
 * @param {(row: AreaRow) => HTMLElement} options.swatch
 * @param {number} options.total_m2
 */
export function showAreas(table, rows, { areaText, swatch, total_m2 }) {
  // Bars are of the largest: of the whole, most would be a dot.
  const longest = Math.max(...rows.map(({ share }) => share));
  table.tBodies[0].replaceChildren(
    ...rows.map((row) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, element('span', { className: 'class-name' }, swatch(row), element('span', {}, row.title))),
        numberCell(areaText(row.area_m2)),
        element('td', { className: 'share' }, element('span', {}, shareText(row.share)), bar(row, longest)),
      ),
    ),
  );
  table.tFoot?.replaceChildren(
    element('tr', {}, element('th', { scope: 'row' }, t('total')), numberCell(areaText(total_m2)), element('td')),
  );
}

/** @param {AreaRow} row @param {number} longest share of the longest bar */
function bar({ share, colour }, longest) {
  const node = element('span', { className: 'share-bar', 'aria-hidden': 'true' });
  node.style.width = `${(100 * share) / longest}%`;
  node.style.backgroundColor = colour;
  return node;
}

/** @param {string} text */
const numberCell = (text) => element('td', { className: 'number' }, text);

/** @param {AreaRow[]} rows */
const largestFirst = (rows) => rows.toSorted((a, b) => b.area_m2 - a.area_m2);

/** @param {readonly number[]} parts */
const sum = (parts) => parts.reduce((total, part) => total + part, 0);
