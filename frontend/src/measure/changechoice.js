/** Which two layers are compared, and what of it the map shows: the state's field `changes`, `from/to[/all or /9-1]`. */
import { newestCollection } from '../published.js';

/** @typedef {import('../api.js').Collection} Collection */
/**
 * shown: whether the map shows the changes; only: those from one class value to another.
 *
 * @typedef {{from: string, to: string, shown: boolean, only: [number, number] | null}} ChangeChoice
 */

/** @param {string | null} text @returns {ChangeChoice | null} null: the usual two layers, not on the map */
export function choiceOf(text) {
  if (!text) return null;
  const [from, to, which] = text.split('/');
  const only = /^(\d+)-(\d+)$/.exec(which ?? '');
  return { from, to, shown: which !== undefined, only: only && [Number(only[1]), Number(only[2])] };
}

/** @param {ChangeChoice} choice */
export function textOf({ from, to, shown, only }) {
  return [from, to, ...(shown ? [only ? only.join('-') : 'all'] : [])].join('/');
}

/**
 * The layers that one can be compared with, itself included: of the same classes, in the same place.
 *
 * @param {readonly Collection[]} collections
 * @param {Collection | undefined} current
 */
export function comparable(collections, current) {
  if (!current) return [];
  return collections.filter((other) => other['cosia:nomenclature'] === current['cosia:nomenclature'] && meet(other, current));
}

/** @param {Collection} a @param {Collection} b */
function meet({ extent: { spatial: { bbox: [a] } } }, { extent: { spatial: { bbox: [b] } } }) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * The newest of some layers and the newest before it; null where there are no two.
 *
 * @param {readonly Collection[]} layers
 * @returns {[Collection, Collection] | null} the earlier one first
 */
export function usualPair(layers) {
  const to = newestCollection(layers);
  const others = layers.filter(({ id }) => id !== to?.id);
  const from = newestCollection(others.filter((other) => yearOf(other) < yearOf(to))) ?? newestCollection(others);
  return from && to ? [from, to] : null;
}

/** @param {Collection | undefined} collection */
const yearOf = (collection) => collection?.['cosia:vintage'] ?? Number.NEGATIVE_INFINITY;
