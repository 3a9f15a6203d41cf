/** The transition matrix as a table: earlier classes in rows, later ones in columns; a cell chooses its passage. */
import { element } from '../dom.js';
import { number, t } from '../i18n.js';
import { className } from '../legend.js';
import { round } from './provenance.js';
import { nameInText, passageText } from './changetext.js';

/** @typedef {import('../api.js').Changes} Changes */
/** @typedef {import('../api.js').ClassBalance} ClassBalance */

const HECTARE_M2 = 10_000;

/** @param {Changes} changes @returns {(from: number, to: number) => number} m² that went from a class to another */
export function cellsOf({ transitions }) {
  const areas = new Map(transitions.map(({ from, to, area_m2 }) => [`${from} ${to}`, area_m2]));
  return (from, to) => areas.get(`${from} ${to}`) ?? 0;
}

/**
 * The matrix for a spreadsheet, m²: classes, losses and total in rows; gains, total and balance below.
 *
 * @param {Changes} changes
 * @returns {import('../csv.js').Cell[][]}
 */
export function matrixRows(changes) {
  const { classes } = changes;
  const cell = cellsOf(changes);
  const all = (/** @type {(one: ClassBalance) => number} */ of) => classes.map((one) => round(of(one)));
  return [
    [`${sideText(changes.from)} \\ ${sideText(changes.to)} (m²)`, ...classes.map(className), t('lost'), t('totalOf', { side: sideText(changes.from) })],
    ...classes.map((row) => [className(row), ...classes.map((column) => round(cell(row.value, column.value))), round(row.lost_m2), round(row.from_m2)]),
    [t('gained'), ...all(({ gained_m2 }) => gained_m2)],
    [t('totalOf', { side: sideText(changes.to) }), ...all(({ to_m2 }) => to_m2)],
    [t('balance'), ...all(({ to_m2, from_m2 }) => to_m2 - from_m2)],
  ];
}

/** @param {import('../api.js').ChangeSide} side */
export const sideText = ({ vintage, title }) => String(vintage ?? title);

/**
 * @param {Changes} changes
 * @param {object} options
 * @param {[number, number] | null} options.only the passage that is chosen
 * @param {(value: number) => HTMLElement} options.swatch of a class
 * @param {(only: [number, number] | null) => void} options.onChoose null: the chosen one again
 */
export function matrixTable(changes, { only, swatch, onChoose }) {
  const { classes, from, to } = changes;
  const cell = cellsOf(changes);
  const largest_m2 = Math.max(...changes.transitions.filter((one) => one.from !== one.to).map(({ area_m2 }) => area_m2), 0);
  const hectares = Math.max(...classes.map(({ from_m2, to_m2 }) => Math.max(from_m2, to_m2))) >= HECTARE_M2;
  const text = (/** @type {number} */ area_m2) => figureText(area_m2, hectares);
  const sum = (/** @type {number} */ area_m2) => element('td', { className: 'number' }, text(area_m2));
  // Binary fractions of equal areas differ by less than a pixel.
  const sign = (/** @type {number} */ area_m2) => (Math.abs(area_m2) < 1e-3 ? '0' : `${area_m2 < 0 ? '−' : '+'} ${text(Math.abs(area_m2))}`);

  /** @param {ClassBalance} row @param {ClassBalance} column */
  function passage(row, column) {
    const area_m2 = cell(row.value, column.value);
    if (area_m2 === 0) return element('td');
    if (row === column) return element('td', { className: 'number kept' }, text(area_m2));
    const chosen = only?.[0] === row.value && only[1] === column.value;
    const wording = `${passageText(nameInText(row), nameInText(column))}, ${text(area_m2)} ${hectares ? 'ha' : 'm²'}`;
    const button = element('button', { type: 'button', 'aria-pressed': String(chosen), 'aria-label': wording, title: wording, tabIndex: -1 }, text(area_m2));
    button.dataset.passage = `${row.value}-${column.value}`;
    button.addEventListener('click', () => onChoose(chosen ? null : [row.value, column.value]));
    const td = element('td', {}, button);
    // By the root: areas span orders of magnitude.
    td.style.setProperty('--heat', `${45 * Math.sqrt(area_m2 / largest_m2)}%`);
    return td;
  }

  /** @param {string} label @param {(one: ClassBalance) => string} of */
  const footer = (label, of) =>
    element('tr', {}, element('th', { scope: 'row' }, label), ...classes.map((one) => element('td', { className: 'number' }, of(one))), element('td'), element('td'));

  const head = (/** @type {string} */ label, /** @type {Node[]} */ ...before) =>
    element('th', { scope: 'col' }, ...before, element('span', {}, label));

  const table = element(
    'table',
    { className: 'matrix' },
    element('caption', {}, t('matrix', { from: sideText(from), to: sideText(to), unit: hectares ? 'ha' : 'm²' })),
    element('thead', {}, element('tr', {}, element('td'), ...classes.map((one) => head(className(one), swatch(one.value))), head(t('lost')), head(t('totalOf', { side: sideText(from) })))),
    element(
      'tbody',
      {},
      ...classes.map((row) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, element('span', { className: 'class-name' }, swatch(row.value), element('span', {}, className(row)))),
          ...classes.map((column) => passage(row, column)),
          sum(row.lost_m2),
          sum(row.from_m2),
        ),
      ),
    ),
    element(
      'tfoot',
      {},
      footer(t('gained'), ({ gained_m2 }) => text(gained_m2)),
      footer(t('totalOf', { side: sideText(to) }), ({ to_m2 }) => text(to_m2)),
      footer(t('balance'), ({ to_m2, from_m2 }) => sign(to_m2 - from_m2)),
    ),
  );
  walkable(table);
  return table;
}

/** One stop of the Tab key for all passages, arrows from one to the next. @param {HTMLTableElement} table */
function walkable(table) {
  const buttons = [...table.querySelectorAll('button')];
  const first = buttons.find((button) => button.getAttribute('aria-pressed') === 'true') ?? buttons.at(0);
  if (first) first.tabIndex = 0;
  table.addEventListener('keydown', (event) => {
    const here = /** @type {HTMLElement} */ (event.target).closest('td');
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    const row = /** @type {HTMLTableRowElement | null} */ (here?.parentElement);
    if (!here || !row || !step) return;
    event.preventDefault();
    let [y, x] = [row.rowIndex, here.cellIndex];
    let next;
    do {
      y += step[0];
      x += step[1];
      next = table.rows[y]?.cells[x];
    } while (next && !next.querySelector('button'));
    const button = next?.querySelector('button');
    if (!button) return;
    for (const one of buttons) one.tabIndex = one === button ? 0 : -1;
    button.focus();
  });
}

/** @param {number} area_m2 @param {boolean} hectares */
function figureText(area_m2, hectares) {
  if (!hectares) return area_m2 > 0 && area_m2 < 1 ? '< 1' : number(area_m2, { maximumFractionDigits: 0 });
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const value = area_m2 / HECTARE_M2;
  return value > 0 && value < 0.01 ? `< ${number(0.01, digits)}` : number(value, digits);
}
