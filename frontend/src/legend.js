/** The legend: names and colours as the service gives them, each class with its switch. */
import { byId, element, swatch } from './dom.js';
import { language, onLanguage, t } from './i18n.js';

/** @typedef {import('./api.js').LandCoverClass} LandCoverClass */

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

/** @param {(hidden: number[]) => void} onToggle */
export function createLegend(onToggle) {
  const list = byId('legend', HTMLUListElement);
  const all = byId('legend-all', HTMLButtonElement);
  /** @type {readonly LandCoverClass[]} */
  let classes = [];
  /** @type {readonly number[]} */
  let hidden = [];

  /** @param {LandCoverClass} landCoverClass */
  function row(landCoverClass) {
    const { value, colour } = landCoverClass;
    const box = element('input', { type: 'checkbox', checked: !hidden.includes(value), name: 'class', value: String(value) });
    box.addEventListener('change', () => {
      onToggle(box.checked ? hidden.filter((other) => other !== value) : [...hidden, value].sort((a, b) => a - b));
    });
    return element('li', {}, element('label', {}, box, swatch(colour), element('span', {}, className(landCoverClass))));
  }

  function render() {
    list.replaceChildren(...classes.map(row));
    showHidden();
  }

  function showHidden() {
    for (const box of list.querySelectorAll('input')) box.checked = !hidden.includes(Number(box.value));
    all.textContent = hidden.length === 0 ? t('hideAll') : t('showAll');
    all.hidden = classes.length === 0;
  }

  all.addEventListener('click', () => onToggle(hidden.length === 0 ? classes.map(({ value }) => value) : []));
  onLanguage(render);

  return {
    /** @param {readonly LandCoverClass[]} next */
    setClasses(next) {
      classes = next;
      render();
    },

    /** @param {readonly number[]} next */
    setHidden(next) {
      hidden = next;
      showHidden();
    },
  };
}
