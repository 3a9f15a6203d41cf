/** What changed, as sentences, cautions and a matrix with its way out. */
import { byId, element } from '../dom.js';
import { tableOf } from '../look.js';
import { classSwatch, paintSwatch } from '../swatches.js';
import { t } from '../i18n.js';
import { changeCautions, changeSentences } from './changetext.js';
import { matrixRows, matrixTable } from './matrix.js';
import { provenance } from './provenance.js';
import { createTakeaway } from './takeaway.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').Legend} Legend */
/** @typedef {import('../look.js').Choice} Choice */
/** @typedef {import('./changelayer.js').Passage} Passage */
/** @typedef {{changes: import('../api.js').Changes, pair: [Collection, Collection], subject: import('./provenance.js').Subject, at: Date}} Compared */

/**
 * @param {object} options
 * @param {(only: Passage | null) => void} options.onChoose the passage to show on the map; null: all of them
 * @param {(text: string) => void} options.announce
 */
export function createChangesPanel({ onChoose, announce }) {
  const root = byId('changes-answer', HTMLElement);
  const text = byId('changes-text', HTMLElement);
  const cautions = byId('changes-cautions', HTMLElement);
  const matrix = byId('changes-matrix', HTMLElement);
  const figures = byId('changes-figures', HTMLElement);
  /** @type {Compared | null} */
  let compared = null;
  let drawn = '';
  /** @type {Legend} */
  let legend = { classes: [], families: [] };
  /** @type {Choice} */
  let choice = { hidden: [], look: 'official', families: false };
  /** @type {Passage | null} */
  let only = null;

  createTakeaway('changes-takeaway', {
    announce,
    content() {
      const { changes, pair, subject, at } = /** @type {Compared} */ (compared);
      const { asked_m2, compared_m2: mapped_m2, resolution_m } = changes;
      return {
        name: `${pair.map(({ id }) => id).join('-')}-${t('changesFile')}`,
        table: matrixRows(changes),
        about: [
          ...[...changeSentences(changes), ...cautionsOf(changes, pair)].map((sentence) => [sentence]),
          ...provenance(pair, { subject, at, asked_m2, mapped_m2, resolution_m }),
        ],
      };
    },
  });

  function render() {
    root.hidden = compared === null;
    if (!compared) return;
    const { changes, pair } = compared;
    // As it is, it keeps its focus and its place.
    const now = JSON.stringify([document.documentElement.lang, choice.look, only, legend.classes.length]);
    if (now === drawn) return;
    drawn = now;
    text.replaceChildren(...changeSentences(changes).map((sentence) => element('p', {}, sentence)));
    cautions.replaceChildren(...cautionsOf(changes, pair).map((sentence) => element('li', {}, sentence)));
    figures.hidden = changes.compared_m2 === 0;
    const colours = tableOf(legend, { ...choice, families: false, hidden: [] }, 'classes');
    const focused = matrix.contains(document.activeElement) ? document.activeElement?.getAttribute('data-passage') : null;
    matrix.replaceChildren(
      matrixTable(changes, {
        only,
        onChoose,
        swatch(value) {
          const square = classSwatch();
          paintSwatch(square, colours, value);
          return square;
        },
      }),
    );
    if (focused) /** @type {HTMLElement | null} */ (matrix.querySelector(`[data-passage="${focused}"]`))?.focus();
  }

  return {
    /** @param {Compared | null} next */
    setCompared(next) {
      compared = next;
      drawn = '';
      render();
    },

    /** In one sentence. */
    summary: () => (compared ? changeSentences(compared.changes)[0] : ''),

    /** @param {Legend} meaning of the values @param {Choice} now @param {Passage | null} chosen on the map */
    show(meaning, now, chosen) {
      [legend, choice, only] = [meaning, now, chosen];
      render();
    },
  };
}

/** @param {import('../api.js').Changes} changes @param {[Collection, Collection]} pair */
function cautionsOf(changes, [from, to]) {
  return changeCautions(changes, { from: from['cosia:quality'], to: to['cosia:quality'] });
}
