/** How good the layer on the map is: the figures of its last evaluation, and the way to the whole report. */
import { qualityPage } from './api.js';
import { byId } from './dom.js';
import { language, number, t } from './i18n.js';

/** @typedef {import('./api.js').Quality} Quality */

export function createQuality() {
  const field = byId('quality', HTMLElement);
  const figures = byId('quality-figures', HTMLElement);
  const report = byId('quality-report', HTMLAnchorElement);

  return {
    /** @param {import('./api.js').Collection | undefined} collection on the map */
    show(collection) {
      const quality = collection?.['cosia:quality'];
      field.hidden = !quality;
      if (!quality || !collection) return;
      figures.textContent = qualityText(quality);
      report.href = qualityPage(collection.id, language());
    },
  };
}

/** @param {Quality} quality */
export function qualityText({ overall_accuracy, mean_iou }) {
  // Neither is defined where nothing was compared.
  if (overall_accuracy === null || mean_iou === null) return t('qualityNone');
  return t('quality', { accuracy: figureText(overall_accuracy), iou: figureText(mean_iou) });
}

/** Rounded down: 99.96 % is not without errors. @param {number} share 0-1 */
function figureText(share) {
  return number(share, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode: 'trunc' });
}
