/** A model's card: what it is for, how good and how weak it is, whose it is. */
import { section } from './card.js';
import { wordsOf } from './choices.js';
import { element } from './dom.js';
import { language, number, t } from './i18n.js';

/** @typedef {import('./api.js').Choice} Choice */

const ADDRESS = /https:\/\/[^\s)]+/;

/** @param {Choice} model @returns {{title: string, content: HTMLElement[]}} */
export const aboutModel = (model) => ({ title: wordsOf(model).title, content: modelSections(model) });

/** @param {Choice} model */
export function modelSections(model) {
  const { description, training, weaknesses } = wordsOf(model);
  const { 'cosia:scores': scores = [], 'cosia:licence': licence = '', 'cosia:sources': sources = [] } = model;
  const weak = weaknesses.map((weakness) => element('li', {}, weakness));
  return [
    element('p', {}, description),
    ...section(t('scores'), scores.length > 0 ? scoreTable(scores) : element('p', {}, t('scoresNone'))),
    ...section(t('weaknesses'), weak.length > 0 ? element('ul', {}, ...weak) : element('p', {}, t('weaknessesNone'))),
    ...section(t('training'), element('p', {}, training)),
    ...section(t('licence'), element('p', {}, licence)),
    ...(sources.length > 0 ? section(t('sources'), element('ul', {}, ...sources.map((source) => element('li', {}, linked(source))))) : []),
  ];
}

/** @param {import('./api.js').Score[]} scores */
function scoreTable(scores) {
  const head = ['scoreSet', 'scoreAccuracy', 'scoreIou'].map((key) =>
    element('th', { scope: 'col' }, t(/** @type {import('./i18n.js').Key} */ (key))),
  );
  const rows = scores.map(({ test_set, test_set_fr, source, overall_accuracy, mean_iou }) => {
    const set = language() === 'fr' ? (test_set_fr ?? test_set) : test_set;
    const name = element('th', { scope: 'row' }, set, element('br'), element('small', {}, linked(source)));
    return element('tr', {}, name, figure(overall_accuracy), figure(mean_iou));
  });
  return element(
    'table',
    {},
    element('caption', { className: 'visually-hidden' }, t('scores')),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
}

/** @param {number | null} share 0-1 */
function figure(share) {
  const text = share === null ? '–' : number(share, { style: 'percent', maximumFractionDigits: 1 });
  return element('td', { className: 'number' }, text);
}

/** The address in a text as a link; texts without one as they are. @param {string} text */
function linked(text) {
  const address = ADDRESS.exec(text)?.[0];
  if (!address) return text;
  return element('a', { href: address, target: '_blank', rel: 'noopener' }, text);
}
