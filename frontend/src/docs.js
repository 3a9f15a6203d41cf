/** The API's documentation, drawn from its OpenAPI document, without anything from elsewhere. */
import { getOpenApi } from './api.js';
import { byId, element, say } from './dom.js';
import { failureText } from './failure.js';
import { setLanguage } from './i18n.js';

/** @typedef {import('./api.js').Operation} Operation */

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function article(method, path, operation) {
  const parameters = (operation.parameters ?? []).flatMap(({ name, in: place, required, description, schema }) => [
    element('dt', {}, name),
    element('dd', {}, [place, required ? 'required' : 'optional', schema?.type, description].filter(Boolean).join(', ')),
  ]);
  const answers = Object.entries(operation.responses ?? {}).map(([status, { description }]) => `${status} ${description}`);
  return element(
    'article',
    {},
    element('h3', {}, `${method.toUpperCase()} ${path}`),
    element('p', {}, operation.summary ?? ''),
    element('p', {}, operation.description ?? ''),
    element('dl', {}, ...parameters),
    element('p', {}, answers.join(' · ')),
  );
}

async function show() {
  const { info, paths } = await getOpenApi();
  byId('title', HTMLElement).textContent = `${info.title} ${info.version}`;
  byId('description', HTMLElement).textContent = info.description ?? '';
  /** @type {Map<string, HTMLElement[]>} */
  const byTag = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? 'other';
      byTag.set(tag, [...(byTag.get(tag) ?? []), article(method, path, operation)]);
    }
  }
  byId('operations', HTMLElement).replaceChildren(
    ...[...byTag].map(([tag, articles]) => element('section', {}, element('h2', {}, tag), ...articles)),
  );
}

// The API speaks English, as its document does.
setLanguage('en');
show().catch((error) => say(byId('failure', HTMLElement), failureText(error)));
