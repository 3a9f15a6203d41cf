/**
 * Whether the page's texts fit together: what the build refuses (see vite.config.js).
 *
 * @typedef {Record<string, string>} Dictionary text of each key
 */
import { readdirSync, readFileSync } from 'node:fs';

// What the service calls the states of a job: `t(job.status)`.
const NAMED_BY_THE_SERVICE = ['accepted', 'running', 'successful', 'failed', 'dismissed'];

const IN_PAGE = /data-i18n(?:-\w+)?="(\w+)"/g;
const IN_MODULE = /'data-i18n(?:-\w+)?': '(\w+)'/g;
// The first argument of t(), and the words in it that stand alone or behind ? and : of a choice.
const FIRST_ARGUMENT = /\bt\(([^(),]*)/g;
const CHOSEN = /(?:^|[?:])\s*'(\w+)'/g;
const QUOTED = /'(\w+)'/g;
const PLACE = /\{(\w+)\}/g;

/**
 * What is wrong, a sentence each: keys in one language only, empty texts, texts that take other values in the other
 * language, keys asked for that do not exist, keys that nothing uses.
 *
 * @param {Record<string, Dictionary>} dictionaries by language
 * @param {{pages: string, modules: string}} sources HTML, and scripts without the dictionaries
 */
export function faultsOf(dictionaries, { pages, modules }) {
  const languages = Object.keys(dictionaries);
  const keys = new Set(languages.flatMap((language) => Object.keys(dictionaries[language])));
  const choices = words(modules, FIRST_ARGUMENT).flatMap((argument) => words(argument, CHOSEN));
  const asked = new Set([...words(pages, IN_PAGE), ...words(modules, IN_MODULE), ...choices, ...NAMED_BY_THE_SERVICE]);
  // A key may be chosen from a list or handed on: any quoted word may be one.
  const used = new Set([...asked, ...words(modules, QUOTED)]);

  return [
    ...[...asked].filter((key) => !keys.has(key)).map((key) => `'${key}' is asked for and has no text`),
    ...[...keys].flatMap((key) => [
      ...languages.filter((language) => !(dictionaries[language][key] ?? '').trim()).map((language) => `'${key}' has no text in ${language}`),
      ...(used.has(key) ? [] : [`'${key}' is used by nothing`]),
      ...(takesTheSame(languages.map((language) => dictionaries[language][key] ?? '')) ? [] : [`'${key}' takes other values in one language`]),
    ]),
  ];
}

/** The page's own sources, from the folder that holds them. */
export function ownSources() {
  const modules = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js') && !name.startsWith('locales'));
  return {
    pages: ['index.html', 'docs.html'].map((name) => readFileSync(name, 'utf8')).join('\n'),
    modules: modules.map((name) => readFileSync(`src/${name}`, 'utf8')).join('\n'),
  };
}

/** @param {string} text @param {RegExp} pattern with one group */
const words = (text, pattern) => [...text.matchAll(pattern)].map(([, word]) => word);

/** @param {string[]} texts in each language; empty ones are another fault */
function takesTheSame(texts) {
  const places = texts.filter((text) => text.trim()).map((text) => String(words(text, PLACE).sort()));
  return places.every((each) => each === places[0]);
}
