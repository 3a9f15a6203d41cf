import { expect, test } from 'vitest';

import en from '../src/locales/en.js';
import fr from '../src/locales/fr.js';
import { faultsOf, ownSources } from '../texts.js';

const PAGE = { pages: '<p data-i18n="title"></p><p data-i18n-label="map"></p>', modules: "t('count', { n }); const looks = ['plain'];" };
// Whatever the page: the service names the states of a job.
const STATES = { accepted: 'a', running: 'r', successful: 's', failed: 'f', dismissed: 'd' };
const TEXTS = { ...STATES, title: 'Map', map: 'The map', count: '{n} of {all}', plain: 'Plain' };

test('texts that fit together have no fault', () => {
  expect(faultsOf({ fr: TEXTS, en: TEXTS }, PAGE)).toEqual([]);
});

test.each([
  ['a key that one language lacks', { fr: { ...TEXTS, title: undefined }, en: TEXTS }, PAGE, "'title' has no text in fr"],
  ['a text of blanks', { fr: TEXTS, en: { ...TEXTS, map: ' ' } }, PAGE, "'map' has no text in en"],
  ['a value that one language leaves out', { fr: TEXTS, en: { ...TEXTS, count: '{n}' } }, PAGE, "'count' takes other values in one language"],
  ['a key that nothing uses', { fr: { ...TEXTS, old: 'x' }, en: { ...TEXTS, old: 'x' } }, PAGE, "'old' is used by nothing"],
  ['an element without a text', { fr: TEXTS, en: TEXTS }, { ...PAGE, pages: `${PAGE.pages}<b data-i18n="gone">` }, "'gone' is asked for and has no text"],
  ['a label without a text', { fr: TEXTS, en: TEXTS }, { ...PAGE, pages: `${PAGE.pages}<b data-i18n-label="gone">` }, "'gone' is asked for and has no text"],
  ['a script that asks for what is not there', { fr: TEXTS, en: TEXTS }, { ...PAGE, modules: `${PAGE.modules} t('gone')` }, "'gone' is asked for and has no text"],
  ['one of two texts that is not there', { fr: TEXTS, en: TEXTS }, { ...PAGE, modules: `${PAGE.modules} t(wide ? 'gone' : 'title')` }, "'gone' is asked for and has no text"],
])('%s is a fault', (_, dictionaries, sources, fault) => {
  expect(faultsOf(/** @type {any} */ (dictionaries), sources)).toEqual([fault]);
});

test('the texts of the page fit together', () => {
  const { pages, modules } = ownSources();

  expect(pages.match(/data-i18n/g)?.length).toBeGreaterThan(50);
  expect(modules).toContain('export function failureText');
  expect(faultsOf({ fr, en }, { pages, modules })).toEqual([]);
});
