/** What a finished prediction gives: the area of each class, and files. */
import { ownAddress } from './api.js';
import { byId, element, swatch } from './dom.js';
import { language, number, onLanguage, t } from './i18n.js';
import { className } from './legend.js';

/** @typedef {import('./api.js').Areas} Areas */
/** @typedef {import('./api.js').Results} Results */

// Shown on the map, not downloaded.
const NOT_A_FILE = 'tiles';

export function createResults() {
  const root = byId('results', HTMLElement);
  const body = byId('areas-body', HTMLTableSectionElement);
  const foot = byId('areas-foot', HTMLTableSectionElement);
  const table = byId('areas', HTMLTableElement);
  const downloads = byId('downloads', HTMLUListElement);
  /** @type {{results: Results, areas: Areas | null} | null} */
  let shown = null;

  function render() {
    root.hidden = shown === null;
    if (!shown) return;
    const { results, areas } = shown;
    table.hidden = areas === null;
    if (areas) showAreas(areas);
    downloads.replaceChildren(
      ...Object.entries(results)
        .filter(([name]) => name !== NOT_A_FILE)
        .map(([, { href, title, title_fr }]) => {
          const text = language() === 'fr' ? (title_fr ?? title) : title;
          return element('li', {}, element('a', { href: ownAddress(href), download: '' }, text));
        }),
    );
  }

  /** @param {Areas} areas */
  function showAreas({ classes, area_m2 }) {
    const largestFirst = classes.toSorted((a, b) => b.area_m2 - a.area_m2);
    body.replaceChildren(...largestFirst.map(areaRow));
    foot.replaceChildren(
      element('tr', {}, element('th', { scope: 'row' }, t('total')), numberCell(squareMetres(area_m2)), element('td')),
    );
  }

  onLanguage(render);
  return {
    /** @param {Results} results @param {Areas | null} areas null where they were not asked for */
    show(results, areas) {
      shown = { results, areas };
      render();
    },
    clear() {
      shown = null;
      render();
    },
  };
}

/** @param {import('./api.js').ClassArea} classArea */
function areaRow(classArea) {
  const bar = element('span', { className: 'share-bar', 'aria-hidden': 'true' });
  bar.style.width = `${Math.min(1, classArea.share) * 100}%`;
  bar.style.backgroundColor = classArea.colour;
  const name = element('span', {}, className(classArea));
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('span', { className: 'class-name' }, swatch(classArea.colour), name)),
    numberCell(squareMetres(classArea.area_m2)),
    element('td', { className: 'share' }, element('span', {}, shareText(classArea.share)), bar),
  );
}

/** @param {string} text */
function numberCell(text) {
  return element('td', { className: 'number' }, text);
}

/** @param {number} area_m2 */
function squareMetres(area_m2) {
  return number(area_m2, { maximumFractionDigits: area_m2 < 100 ? 1 : 0 });
}

/** @param {number} share 0-1 */
function shareText(share) {
  return number(share, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
}
