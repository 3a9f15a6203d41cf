/** The legend: names, colours and definitions as the service gives them, switches, shares of the view, the choice of look. */
import { byId, element } from './dom.js';
import { language, onLanguage, t } from './i18n.js';
import { LOOKS, tableOf } from './look.js';
import { shareOf, sharesNote, shareText } from './shares.js';
import { classSwatch, paintCanvas, paintSwatch } from './swatches.js';

/** @typedef {import('./api.js').Legend} LegendDocument */
/** @typedef {import('./look.js').Choice & Pick<import('./state.js').State, 'shares'>} Choice */
/** @typedef {import('./measure/zoneshares.js').ZoneShares} ZoneShares */
/** @typedef {import('./look.js').Style} Style */
/** @typedef {import('./shares.js').Count} Count */
/** @typedef {{key: string, title: string, definition: string, values: number[]}} Entry a class, or a family of them */

const RAMP_BITS = 8;

/**
 * The name of a class in the language of the page.
 *
 * @param {{title_fr: string, title_en: string}} landCoverClass
 */
export function className({ title_fr, title_en }) {
  return language() === 'fr' ? title_fr : capitalised(title_en);
}

/** @param {string} text */
function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * The rows of a legend: its classes, or its families that have some.
 *
 * @param {LegendDocument} legend
 * @param {boolean} together
 * @returns {Entry[]}
 */
export function entriesOf({ classes, families }, together) {
  if (!together) {
    return classes.map((one) => ({
      key: String(one.value),
      title: className(one),
      definition: language() === 'fr' ? one.definition_fr : one.definition_en,
      values: [one.value],
    }));
  }
  return families.flatMap((family) => {
    const members = classes.filter((one) => one.family === family.id);
    const definition = members.map(className).join(', ');
    return members.length > 0 ? [{ key: family.id, title: className(family), definition, values: members.map(({ value }) => value) }] : [];
  });
}

/** @param {(patch: Partial<import('./state.js').State>) => void} onChange */
export function createLegend(onChange) {
  const list = byId('legend', HTMLUListElement);
  const all = byId('legend-all', HTMLButtonElement);
  const definitions = byId('legend-definitions', HTMLButtonElement);
  const look = byId('look', HTMLSelectElement);
  const grouping = byId('grouping', HTMLElement);
  const ramp = byId('ramp', HTMLElement);
  const heading = byId('legend-switches', HTMLElement);
  const note = byId('shares-note', HTMLElement);
  const summary = byId('view-summary', HTMLElement);
  const sharesOf = byId('shares-of', HTMLElement);

  /** @type {LegendDocument} */
  let legend = { classes: [], families: [] };
  /** @type {Choice} */
  let choice = { hidden: [], look: 'official', families: false, shares: 'view' };
  /** @type {Style} */
  let style = 'classes';
  let graded = false;
  /** @type {Count | null} */
  let count = null;
  /** @type {ZoneShares | null} null: there is no zone */
  let zone = null;
  /** @type {Entry[]} */
  let entries = [];
  let shown = '';

  /** @param {Entry} entry */
  function row({ key, title, definition, values }) {
    const box = element('input', { type: 'checkbox', name: 'class', value: key });
    box.addEventListener('change', () => {
      const others = choice.hidden.filter((value) => !values.includes(value));
      onChange({ hidden: box.checked ? others : sorted([...others, ...values]) });
    });
    const wording = t('isolate', { name: title });
    const isolate = element('button', { type: 'button', className: 'quiet isolate', title: wording, 'aria-label': wording });
    isolate.addEventListener('click', () => onChange({ hidden: isIsolated(values) ? [] : othersThan(values) }));
    return element(
      'li',
      {},
      element('label', {}, box, classSwatch(), element('span', {}, title)),
      element('span', { className: 'number' }),
      isolate,
      element('p', { className: 'note' }, definition),
    );
  }

  /** @param {number[]} values */
  const othersThan = (values) => sorted(legend.classes.map(({ value }) => value).filter((value) => !values.includes(value)));

  /** @param {number[]} values */
  const isIsolated = (values) => String(othersThan(values)) === String(choice.hidden);

  function render() {
    entries = entriesOf(legend, choice.families);
    // Rows stay as they are, and keep the focus, unless there are other ones.
    const now = `${language()} ${entries.map(({ key }) => key)}`;
    if (now !== shown) {
      shown = now;
      list.replaceChildren(...entries.map(row));
      look.replaceChildren(...LOOKS.map((value) => element('option', { value }, t(value))));
    }
    for (const option of look.options) option.disabled = option.value === 'confidence' && !graded;
    look.value = choice.look;
    for (const radio of grouping.querySelectorAll('input')) radio.checked = (radio.value === 'families') === choice.families;
    all.textContent = choice.hidden.length === 0 ? t('hideAll') : t('showAll');
    all.hidden = legend.classes.length === 0;
    list.hidden = grouping.hidden = heading.hidden = style === 'confidence';
    ramp.hidden = style !== 'confidence';
    const table = tableOf(legend, { ...choice, hidden: [] }, 'classes');
    for (const [i, { values }] of entries.entries()) showRow(/** @type {HTMLElement} */ (list.children[i]), values, table);
    if (style === 'confidence') paintCanvas(byId('ramp-colours', HTMLCanvasElement), RAMP_BITS, tableOf(legend, choice, style), (i) => Math.max(i, 1));
    showShares();
  }

  /** @param {HTMLElement} item @param {number[]} values @param {import('./look.js').ColourTable} table */
  function showRow(item, values, table) {
    const box = /** @type {HTMLInputElement} */ (item.querySelector('input'));
    const hidden = values.filter((value) => choice.hidden.includes(value)).length;
    box.checked = hidden < values.length;
    box.indeterminate = hidden > 0 && box.checked;
    item.querySelector('button')?.setAttribute('aria-pressed', String(isIsolated(values)));
    paintSwatch(/** @type {HTMLCanvasElement} */ (item.querySelector('canvas')), table, values[0]);
  }

  function showShares() {
    const ofZone = zone !== null && choice.shares === 'zone' && style === 'classes';
    const shown = ofZone ? zone?.count : count;
    for (const [i, { values }] of entries.entries()) {
      const slot = list.children[i].querySelector('.number');
      if (slot) slot.textContent = shown ? shareText(shareOf(shown, values)) : '';
    }
    sharesOf.hidden = zone === null || style !== 'classes';
    for (const radio of sharesOf.querySelectorAll('input')) radio.checked = (radio.value === 'zone') === ofZone;
    const viewNote = count ? sharesNote(count, style) : '';
    note.textContent = ofZone ? zoneNote() : viewNote;
    // It describes the map.
    summary.textContent = style === 'classes' && count ? summaryText(entries, count) : viewNote;
  }

  function zoneNote() {
    if (zone?.failure) return zone.failure;
    return t(zone?.count ? 'sharesZone' : 'sharesZoneWaiting');
  }

  all.addEventListener('click', () => onChange({ hidden: choice.hidden.length === 0 ? othersThan([]) : [] }));
  look.addEventListener('change', () => onChange({ look: /** @type {import('./look.js').Look} */ (look.value) }));
  grouping.addEventListener('change', (event) => {
    onChange({ families: /** @type {HTMLInputElement} */ (event.target).value === 'families' });
  });
  sharesOf.addEventListener('change', (event) => {
    onChange({ shares: /** @type {HTMLInputElement} */ (event.target).value === 'zone' ? 'zone' : 'view' });
  });
  definitions.addEventListener('click', () => {
    const defined = list.classList.toggle('defined');
    definitions.setAttribute('aria-pressed', String(defined));
  });
  onLanguage(render);

  return {
    /**
     * @param {{legend: LegendDocument, style: Style} | null} meaning of the layer on the map
     * @param {Choice} next
     * @param {boolean} withConfidence whether the layer has some
     */
    show(meaning, next, withConfidence) {
      graded = withConfidence;
      legend = meaning?.legend ?? legend;
      style = meaning?.style ?? style;
      choice = next;
      render();
    },

    /** @param {Count | null} next null where there is nothing to count */
    setCount(next) {
      count = next;
      showShares();
    },

    /** @param {ZoneShares | null} next null where there is no zone */
    setZone(next) {
      zone = next;
      showShares();
    },
  };
}

/** The view in words, the largest first. @param {readonly Entry[]} entries @param {Count} count */
function summaryText(entries, count) {
  const shares = entries.map(({ title, values }) => ({ title, share: shareOf(count, values) })).filter(({ share }) => share > 0);
  shares.sort((a, b) => b.share - a.share);
  return shares.map(({ title, share }) => `${title} ${shareText(share)}`).join(', ');
}

/** @param {number[]} values */
const sorted = (values) => values.toSorted((a, b) => a - b);
