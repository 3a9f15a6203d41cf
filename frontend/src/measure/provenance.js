/** What a file of figures says of itself: which layers, of when, by whom, counted how. */
import { t } from '../i18n.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../csv.js').Cell} Cell */
/** @typedef {'zone' | 'view'} Subject what was counted: the visitor's zone, or what the map showed */

/**
 * @param {readonly Collection[]} collections
 * @param {object} counted
 * @param {Subject} counted.subject
 * @param {number} counted.asked_m2
 * @param {number} counted.mapped_m2
 * @param {number} counted.resolution_m
 * @param {Date} counted.at
 * @returns {Cell[][]} a name and its value
 */
export function provenance(collections, { subject, asked_m2, mapped_m2, resolution_m, at }) {
  return [
    ...collections.flatMap(layerRows),
    [t('counted'), t(subject === 'zone' ? 'theZone' : 'theView')],
    [t('askedArea'), round(asked_m2)],
    [t('mappedArea'), round(mapped_m2)],
    [t('pixelSize'), resolution_m],
    [t('countedOn'), at.toISOString().slice(0, 10)],
    [t('rule'), t('pixelRule')],
  ];
}

/** @param {Collection} collection @returns {Cell[][]} */
function layerRows(collection) {
  const licence = collection.links?.find(({ rel }) => rel === 'license');
  const { id, title, attribution } = collection;
  return [
    [t('layer'), title, id, collection['cosia:version']],
    [t('vintage'), collection['cosia:vintage']],
    [t('origin'), attribution || t('attribution')],
    ...(licence ? [[t('licence'), licence.title ?? licence.href]] : []),
    ...(collection['cosia:demonstration'] ? [[t('demonstration'), t('demonstrationNote')]] : []),
  ];
}

/** To the square decimetre, far below a pixel: what binary fractions add is no figure. @param {number} area_m2 */
export const round = (area_m2) => Number(area_m2.toFixed(2));

/** Percent, from a share of 1. @param {number} share */
export const percent = (share) => Number((share * 100).toFixed(4));
