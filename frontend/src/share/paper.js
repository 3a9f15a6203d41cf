/** One page on paper: what the browser prints instead of the page, and saves as PDF with text that can be selected. */
import { byId, element } from '../dom.js';
import { classSwatch, paintSwatch } from '../swatches.js';

/** @typedef {import('./layout.js').Words} Words */

/**
 * @param {HTMLCanvasElement} map with its scale and its north
 * @param {Words} words
 * @param {import('../look.js').ColourTable} table
 */
export function fillPaper(map, words, table) {
  byId('paper-title', HTMLElement).textContent = words.title;
  byId('paper-under', HTMLElement).replaceChildren(...words.under.map((line) => element('p', {}, line)));
  byId('paper-warning', HTMLElement).textContent = words.warning;
  byId('paper-map', HTMLElement).replaceChildren(map);
  byId('paper-legend', HTMLElement).textContent = words.legend;
  byId('paper-rows', HTMLTableSectionElement).replaceChildren(
    ...words.rows.map(({ title, values, figure }) => {
      const swatch = classSwatch();
      paintSwatch(swatch, table, values[0]);
      return element('tr', {}, element('td', {}, swatch), element('th', { scope: 'row' }, title), element('td', { className: 'number' }, figure));
    }),
  );
  byId('paper-foot', HTMLElement).replaceChildren(...words.foot.map((line) => element('p', {}, line)));
}
