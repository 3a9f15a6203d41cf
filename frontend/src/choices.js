/** What may be chosen for a prediction: imagery and models in words, and which of them go together. */
import { element } from './dom.js';
import { language, number, t } from './i18n.js';

/** @typedef {import('./api.js').Choice} Choice */

/** What a network may need, by the names the service gives it. @type {Record<string, import('./i18n.js').Key>} */
const NEEDS = {
  R: 'bandRed',
  G: 'bandGreen',
  B: 'bandBlue',
  NIR: 'bandInfrared',
  E: 'bandHeight',
  series: 'needSeries',
  metadata: 'needMetadata',
};

/**
 * The source one most likely wants: the newest.
 *
 * @param {readonly Choice[]} sources
 * @param {string | undefined} fallback
 */
export function newestSource(sources, fallback) {
  const year = (/** @type {Choice} */ source) => source['cosia:year'] ?? Number.NEGATIVE_INFINITY;
  const newest = sources.toSorted((a, b) => year(b) - year(a)).at(0);
  return newest && Number.isFinite(year(newest)) ? newest.value : (fallback ?? newest?.value);
}

/**
 * What a choice says of itself, in French where the page and the choice speak it.
 *
 * @param {Choice} choice
 */
export function wordsOf(choice) {
  const { title, description = '', 'cosia:training': training = '', 'cosia:weaknesses': weaknesses = [] } = choice;
  const english = { title, description, training, weaknesses };
  return language() === 'fr' ? { ...english, ...withoutNull(choice['cosia:french'] ?? {}) } : english;
}

/** A source with its year and the side of its pixels, each said once. @param {Choice} source */
export function sourceText(source) {
  const { title, 'cosia:year': year, 'cosia:resolution_m': resolution_m } = source;
  const parts = [title];
  if (year && !title.includes(String(year))) parts.push(String(year));
  if (resolution_m) parts.push(`${number(resolution_m)} m`);
  return parts.join(' · ');
}

/**
 * What a model needs and a source lacks, in words; empty where they go together.
 *
 * @param {Choice} model
 * @param {Choice | undefined} source
 */
export function lacking(model, source) {
  if (!source) return '';
  const given = new Set([...(source['cosia:bands'] ?? []), ...(source['cosia:extraInputs'] ?? [])]);
  const needed = [...(model['cosia:bands'] ?? []), ...(model['cosia:extraInputs'] ?? [])];
  return needed
    .filter((each) => !given.has(each))
    .map((each) => (each in NEEDS ? t(NEEDS[each]) : each))
    .join(', ');
}

/** Whether two models can predict together. @param {Choice} a @param {Choice} b */
export function areOfOneKind(a, b) {
  return a['cosia:nomenclature'] === b['cosia:nomenclature'] && a['cosia:resolution_m'] === b['cosia:resolution_m'];
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly {value: string, title: string}[]} choices
 * @param {string | undefined} chosen
 */
export function fillSelect(select, choices, chosen) {
  select.replaceChildren(...choices.map(({ value, title }) => element('option', { value, selected: value === chosen }, title)));
}

/**
 * Those models that go with a source, then the others with what they miss.
 *
 * @param {HTMLSelectElement} select
 * @param {readonly Choice[]} models
 * @param {Choice | undefined} source
 * @param {string | undefined} chosen
 */
export function fillModels(select, models, source, chosen) {
  const suited = models.filter((model) => !lacking(model, source));
  const others = models.filter((model) => lacking(model, source));
  fillSelect(select, suited.map((model) => ({ value: model.value, title: wordsOf(model).title })), chosen);
  if (others.length === 0) return;
  const options = others.map((model) =>
    element('option', { value: model.value, disabled: true }, t('modelLacks', { model: wordsOf(model).title, needs: lacking(model, source) })),
  );
  select.append(element('optgroup', { label: t('modelsUnsuited') }, ...options));
}

/** @template {object} T @param {T} words @returns {Partial<{[K in keyof T]: NonNullable<T[K]>}>} */
function withoutNull(words) {
  return /** @type {any} */ (Object.fromEntries(Object.entries(words).filter(([, value]) => value !== null)));
}
