/** All that there is to know of the layer on the map: whose it is, from what, how good, and what it must not be used for. */
import { section } from './card.js';
import { sourceText, wordsOf } from './choices.js';
import { element } from './dom.js';
import { language, number, t } from './i18n.js';
import { modelSections } from './modelcard.js';
import { qualityPage } from './api.js';
import { qualityText } from './quality.js';

/** @typedef {import('./api.js').Collection} Collection */
/** @typedef {import('./api.js').Choice} Choice */

/**
 * @param {Collection} collection
 * @param {readonly Choice[]} sources
 * @param {readonly Choice[]} models
 * @returns {{title: string, content: HTMLElement[]}}
 */
export function aboutLayer(collection, sources, models) {
  const { id, title, description, attribution, links = [] } = collection;
  const source = sources.find(({ value }) => value === collection['cosia:imagery']);
  const model = models.find(({ value }) => value === collection['cosia:model']);
  const quality = collection['cosia:quality'];
  const licence = links.find(({ rel }) => rel === 'license');
  const data = links.find(({ href }) => href.includes('/stac/'));
  const facts = [
    [t('vintage'), collection['cosia:vintage']],
    [t('imagery'), source && sourceText(source)],
    [t('aboutResolution'), collection['cosia:resolution_m'] && `${number(collection['cosia:resolution_m'])} m`],
    [t('origin'), attribution],
    [t('licence'), licence && anchor(licence.href, licence.title ?? licence.href)],
    [t('aboutData'), data && anchor(data.href, t('softwareStac'))],
  ];
  return {
    title,
    content: [
      ...(collection['cosia:demonstration'] ? [element('p', { className: 'badge' }, `${t('demonstration')}. ${t('demonstrationNote')}`)] : []),
      ...(description ? [element('p', {}, description)] : []),
      element(
        'dl',
        {},
        ...facts.flatMap(([name, fact]) => (fact ? [element('dt', {}, String(name)), element('dd', {}, /** @type {Node} */ (fact))] : [])),
      ),
      ...(quality
        ? section(t('aboutQuality'), element('p', {}, `${qualityText(quality)} `, anchor(qualityPage(id, language()), t('qualityReport'))))
        : section(t('aboutQuality'), element('p', {}, t('aboutNoQuality')))),
      ...(model
        ? [...section(t('model'), element('p', {}, wordsOf(model).title)), ...modelSections(model)]
        : section(t('model'), element('p', {}, t('aboutNoModel')))),
    ],
  };
}

/** @param {string} href @param {string} text */
const anchor = (href, text) => element('a', { href, target: '_blank', rel: 'noopener' }, text);
