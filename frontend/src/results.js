/** What a finished prediction gives: the area of each class, and files. */
import { ownAddress } from './api.js';
import { classRows, showAreas } from './areatable.js';
import { byId, element, swatch } from './dom.js';
import { language, number, onLanguage } from './i18n.js';

/** @typedef {import('./api.js').Areas} Areas */
/** @typedef {import('./api.js').Results} Results */

// Shown on the map, not downloaded.
const NOT_A_FILE = 'tiles';

export function createResults() {
  const root = byId('results', HTMLElement);
  const table = byId('areas', HTMLTableElement);
  const downloads = byId('downloads', HTMLUListElement);
  /** @type {{results: Results, areas: Areas | null} | null} */
  let shown = null;

  function render() {
    root.hidden = shown === null;
    if (!shown) return;
    const { results, areas } = shown;
    table.hidden = areas === null;
    if (areas) {
      showAreas(table, classRows(areas.classes), {
        areaText: squareMetres,
        swatch: ({ colour }) => swatch(colour),
        total_m2: areas.area_m2,
      });
    }
    downloads.replaceChildren(
      ...Object.entries(results)
        .filter(([name]) => name !== NOT_A_FILE)
        .map(([, { href, title, title_fr }]) => {
          const text = language() === 'fr' ? (title_fr ?? title) : title;
          return element('li', {}, element('a', { href: ownAddress(href), download: '' }, text));
        }),
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

/** @param {number} area_m2 */
function squareMetres(area_m2) {
  return number(area_m2, { maximumFractionDigits: area_m2 < 100 ? 1 : 0 });
}
