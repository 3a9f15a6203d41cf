/** What changed, in sentences: how much, from what to what, what gained and lost, and how far that can be trusted. */
import { areaText, language, t } from '../i18n.js';
import { shareText } from '../shares.js';

/** @typedef {import('../api.js').Changes} Changes */
/** @typedef {import('../api.js').ChangeSide} ChangeSide */
/** @typedef {import('../api.js').ClassBalance} ClassBalance */
/** @typedef {import('../api.js').Quality} Quality */

const MOST_PASSAGES = 3;
const MOST_BALANCES = 2;

/**
 * Passages from a class to another one, the largest first.
 *
 * @param {Changes} changes
 */
export function passagesOf({ transitions }) {
  return transitions.filter(({ from, to }) => from !== to).toSorted((a, b) => b.area_m2 - a.area_m2);
}

/** @param {Changes} changes @returns {string[]} sentences */
export function changeSentences(changes) {
  const when = whenText(changes.from, changes.to);
  if (changes.compared_m2 === 0) return [t('nothingCompared')];
  if (changes.changed_m2 === 0) return [t('nothingChanged', { when })];
  const passages = passagesOf(changes);
  const names = new Map(changes.classes.map((one) => [one.value, nameInText(one)]));
  const list = passages
    .slice(0, MOST_PASSAGES)
    .map(({ from, to, area_m2 }) => `${passageText(names.get(from) ?? '', names.get(to) ?? '')} (${areaText(area_m2)})`);
  const text = { when, area: areaText(changes.changed_m2), share: shareText(changes.changed_m2 / changes.compared_m2), list: listText(list) };
  const sentences = [t(passages.length > MOST_PASSAGES ? 'changedMostly' : 'changedOnly', text)];
  const [gained, lost] = [balances(changes.classes, 1), balances(changes.classes, -1)];
  if (gained) sentences.push(t('gainedMost', { list: gained }));
  if (lost) sentences.push(t('lostMost', { list: lost }));
  return sentences;
}

/**
 * What one must know before one believes them.
 *
 * @param {Changes} changes
 * @param {{from: Quality | null | undefined, to: Quality | null | undefined}} quality of each layer
 * @returns {string[]} sentences
 */
export function changeCautions(changes, quality) {
  const { from, to, changed_on_borders_share: borders } = changes;
  const cautions = [];
  if (borders) cautions.push(t('onBorders', { share: shareText(borders) }));
  cautions.push(errorsText(quality.from?.overall_accuracy ?? null, quality.to?.overall_accuracy ?? null));
  if (from.model === null || from.model !== to.model) cautions.push(t('otherModel'));
  if (from.vintage !== null && to.vintage !== null && from.vintage >= to.vintage) cautions.push(t('notOlder'));
  if (changes.compared_m2 < 0.999 * changes.asked_m2) {
    cautions.push(t('partCompared', { share: shareText(changes.compared_m2 / changes.asked_m2) }));
  }
  return cautions;
}

/** @param {number | null} before @param {number | null} after overall accuracies, 0-1 */
function errorsText(before, after) {
  if (before === null || after === null) return t('errorsUnknown');
  // Where no two errors meet, each makes a change; more they cannot make.
  return t('errorsKnown', { before: shareText(before), after: shareText(after), most: shareText(Math.min(1, 2 - before - after)) });
}

/** @param {ChangeSide} from @param {ChangeSide} to */
export function whenText(from, to) {
  if (from.vintage === null || to.vintage === null || from.vintage === to.vintage) {
    return t('betweenLayers', { from: from.title, to: to.title });
  }
  return t('betweenYears', { from: from.vintage, to: to.vintage });
}

/** @param {string} from @param {string} to names as they stand in a sentence */
export function passageText(from, to) {
  return t('passage', { from: language() === 'fr' ? elided(from) : from, to });
}

/** `de` before a name: `de vigne`, `d’eau`. @param {string} name */
function elided(name) {
  return /^[aeiouyàâäéèêëîïôöùûüœæ]/i.test(name) ? `d’${name}` : `de ${name}`;
}

/** @param {{title_fr: string, title_en: string}} landCoverClass */
export function nameInText({ title_fr, title_en }) {
  const title = language() === 'fr' ? title_fr : title_en;
  // Not of an abbreviation.
  return /^\p{Lu}\p{Lu}/u.test(title) ? title : title.charAt(0).toLocaleLowerCase() + title.slice(1);
}

/** What gained (sign 1) or lost (-1) most on balance; empty if nothing did. @param {ClassBalance[]} classes @param {1 | -1} sign */
function balances(classes, sign) {
  const found = classes
    .map((one) => ({ name: nameInText(one), net_m2: sign * (one.gained_m2 - one.lost_m2) }))
    // Binary fractions of equal areas differ by less than a pixel.
    .filter(({ net_m2 }) => net_m2 > 1e-3)
    .toSorted((a, b) => b.net_m2 - a.net_m2)
    .slice(0, MOST_BALANCES);
  return listText(found.map(({ name, net_m2 }) => `${name} (${sign > 0 ? '+' : '−'} ${areaText(net_m2)})`));
}

/** @param {string[]} items */
const listText = (items) => new Intl.ListFormat(language()).format(items);
