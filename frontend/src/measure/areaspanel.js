/** What a zone or the view is made of: a table with bars, by class or by family, and its way out. */
import { classRows, familyRows, showAreas } from '../areatable.js';
import { byId } from '../dom.js';
import { areaText, t } from '../i18n.js';
import { tableOf } from '../look.js';
import { shareText } from '../shares.js';
import { classSwatch, paintSwatch } from '../swatches.js';
import { percent, provenance, round } from './provenance.js';
import { createTakeaway } from './takeaway.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').Legend} Legend */
/** @typedef {import('../state.js').State} State */
/** @typedef {{figures: import('../api.js').MeasuredAreas, collection: Collection, subject: import('./provenance.js').Subject, at: Date}} Measured */

/**
 * @param {object} options
 * @param {(patch: Partial<State>) => void} options.onChange
 * @param {(text: string) => void} options.announce
 */
export function createAreasPanel({ onChange, announce }) {
  const root = byId('zone-areas', HTMLElement);
  const table = byId('zone-areas-table', HTMLTableElement);
  const note = byId('zone-areas-note', HTMLElement);
  const grouping = byId('zone-grouping', HTMLElement);
  /** @type {Measured | null} */
  let measured = null;
  /** @type {Legend} */
  let legend = { classes: [], families: [] };
  /** @type {State | null} */
  let state = null;

  createTakeaway('zone-areas-takeaway', { content, announce });
  grouping.addEventListener('change', (event) => {
    onChange({ families: /** @type {HTMLInputElement} */ (event.target).value === 'families' });
  });

  /** @param {Measured} of */
  const rowsOf = ({ figures }) => (state?.families ? familyRows(figures.classes, legend) : classRows(figures.classes));

  function content() {
    const { figures, collection, subject, at } = /** @type {Measured} */ (measured);
    const codes = new Map(figures.classes.map(({ value, code }) => [value, code]));
    const [first, code] = state?.families ? [t('family'), []] : [t('class'), [t('code')]];
    const rows = rowsOf(/** @type {Measured} */ (measured)).map(({ value, title, area_m2, share }) => [
      title,
      ...(state?.families ? [] : [codes.get(value)]),
      round(area_m2),
      Number((area_m2 / 10_000).toFixed(6)),
      percent(share),
    ]);
    return {
      name: `${collection.id}-${t('areasFile')}`,
      table: [[first, ...code, `${t('area')} (m²)`, `${t('area')} (ha)`, `${t('share')} (%)`], ...rows],
      about: provenance([collection], {
        subject,
        at,
        asked_m2: figures.asked_m2,
        mapped_m2: figures.area_m2,
        resolution_m: figures.resolution_m,
      }),
    };
  }

  function render() {
    root.hidden = measured === null;
    if (!measured || !state) return;
    for (const radio of grouping.querySelectorAll('input')) radio.checked = (radio.value === 'families') === state.families;
    const colours = tableOf(legend, { ...state, hidden: [] }, 'classes');
    showAreas(table, rowsOf(measured), {
      areaText,
      swatch: ({ value }) => {
        const square = classSwatch();
        paintSwatch(square, colours, value);
        return square;
      },
      total_m2: measured.figures.area_m2,
    });
    table.hidden = measured.figures.area_m2 === 0;
    note.textContent = noteText(measured);
  }

  return {
    /** @param {Measured | null} next */
    setMeasured(next) {
      measured = next;
      render();
    },

    /** @param {State} now @param {Legend} meaning of the values */
    show(now, meaning) {
      state = now;
      legend = meaning;
      render();
    },
  };
}

/** @param {Measured} measured */
export function noteText({ figures: { asked_m2, area_m2 }, subject }) {
  const what = t(subject === 'zone' ? 'theZone' : 'theView');
  if (area_m2 === 0) return t('nothingMapped', { what });
  // Pixels on the outline count whole or not at all: their sum is never quite the area of the outline.
  const mapped = Math.min(1, area_m2 / asked_m2);
  return `${mapped > 0.999 ? t('allMapped', { what }) : t('partMapped', { what, share: shareText(mapped) })} ${t('countedExactly')}`;
}
