/** An area against the largest allowed: a figure, a bar and, beyond it, a warning in words. */
import { element } from './dom.js';
import { areaText, onLanguage, t } from './i18n.js';

/** @param {HTMLElement} root */
export function createGauge(root) {
  const text = element('p', { className: 'gauge-text' });
  const fill = element('div', { className: 'gauge-fill' });
  const bar = element('div', { className: 'gauge-bar', role: 'meter', 'aria-valuemin': '0' }, fill);
  root.append(text, bar);
  /** @type {{area_m2: number, limit_m2: number | null} | null} */
  let shown = null;

  function render() {
    const { area_m2 = 0, limit_m2 = null } = shown ?? {};
    const over = limit_m2 !== null && area_m2 > limit_m2;
    bar.hidden = shown === null || limit_m2 === null;
    root.classList.toggle('over', over);
    const area = areaText(area_m2);
    if (!shown) text.textContent = '';
    else if (limit_m2 === null) text.textContent = area;
    else text.textContent = t(over ? 'areaTooLarge' : 'areaOfLimit', { area, limit: areaText(limit_m2) });
    if (limit_m2 === null) return;
    fill.style.width = `${Math.min(100, (100 * area_m2) / limit_m2)}%`;
    bar.setAttribute('aria-label', t('area'));
    bar.setAttribute('aria-valuemax', String(Math.round(limit_m2)));
    bar.setAttribute('aria-valuenow', String(Math.round(Math.min(area_m2, limit_m2))));
    bar.setAttribute('aria-valuetext', text.textContent);
  }

  onLanguage(render);
  render();

  return {
    /** @param {number} area_m2 @param {number | null} limit_m2 null: not known yet */
    show(area_m2, limit_m2) {
      shown = { area_m2, limit_m2 };
      render();
    },
    clear() {
      shown = null;
      render();
    },
  };
}
