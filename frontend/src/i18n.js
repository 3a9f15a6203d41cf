/** The language of the page: French or English, of numbers and of class names too. */
import en from './locales/en.js';
import fr from './locales/fr.js';

/** @typedef {keyof typeof fr} Key */
/** @typedef {'fr' | 'en'} Language */

/** @type {Record<Language, Record<Key, string>>} */
const dictionaries = { fr, en };

const MEMORY = 'cosia.language';

/** @type {Language} */
let current = 'fr';

/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Language} */
export function language() {
  return current;
}

/**
 * The language chosen before, else the first of the browser's that we speak, else French.
 *
 * @param {readonly string[]} preferred browser languages, best first
 * @param {string | null} [remembered]
 * @returns {Language}
 */
export function chooseLanguage(preferred, remembered) {
  for (const code of [remembered ?? '', ...preferred]) {
    const short = code.slice(0, 2).toLowerCase();
    if (short === 'fr' || short === 'en') return short;
  }
  return 'fr';
}

/** The language kept from an earlier visit. @returns {string | null} */
export function rememberedLanguage() {
  try {
    return localStorage.getItem(MEMORY);
  } catch {
    return null; // storage forbidden by the visitor's settings
  }
}

/** @param {Language} code */
export function setLanguage(code) {
  current = code;
  document.documentElement.lang = code;
  translate(document.body);
  for (const listener of listeners) listener();
}

/** @param {Language} code */
export function rememberLanguage(code) {
  try {
    localStorage.setItem(MEMORY, code);
  } catch {
    // storage forbidden by the visitor's settings: the choice lasts as long as the page
  }
}

/**
 * Calls `render` at every change of language; gives the function that stops it.
 *
 * @param {() => void} render
 */
export function onLanguage(render) {
  listeners.add(render);
  return () => listeners.delete(render);
}

/**
 * The text of a key, `{name}` replaced by its value.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return dictionaries[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/**
 * Puts texts in the elements that name a key: data-i18n (content), data-i18n-label (accessible name and tooltip).
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const node of root.querySelectorAll('[data-i18n]')) {
    node.textContent = t(/** @type {Key} */ (node.getAttribute('data-i18n')));
  }
  for (const node of root.querySelectorAll('[data-i18n-label]')) {
    const label = t(/** @type {Key} */ (node.getAttribute('data-i18n-label')));
    node.setAttribute('aria-label', label);
    if (node instanceof HTMLButtonElement) node.title = label;
  }
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(value, options) {
  return new Intl.NumberFormat(current, options).format(value);
}

/**
 * An area for people: m² below one hectare, hectares below one km², then km².
 *
 * @param {number} area_m2
 */
export function areaText(area_m2) {
  if (area_m2 > 0 && area_m2 < 1) return '< 1 m²';
  if (area_m2 < 10_000) return `${number(area_m2, { maximumFractionDigits: 0 })} m²`;
  if (area_m2 < 1_000_000) return `${number(area_m2 / 10_000, { maximumFractionDigits: 2 })} ha`;
  return `${number(area_m2 / 1_000_000, { maximumFractionDigits: 2 })} km²`;
}

/**
 * A duration for people, rounded as its uncertainty deserves.
 *
 * @param {number} seconds
 */
export function durationText(seconds) {
  if (seconds < 90) return t('seconds', { n: number(Math.max(1, Math.round(seconds))) });
  if (seconds < 5400) return t('minutes', { n: number(Math.round(seconds / 60)) });
  return t('hours', { n: number(seconds / 3600, { maximumFractionDigits: 1 }) });
}
