/** What is published may change while the page is open: that is asked when the visitor comes back, and now and then. */
import * as api from './api.js';

/** @typedef {import('./api.js').Collection} Collection */

const PERIOD_MS = 60_000;

/**
 * @param {object} options
 * @param {() => readonly Collection[]} options.known
 * @param {(collections: Collection[]) => void} options.onChange other layers are published, or other content
 * @param {Pick<typeof api, 'getCollections'>} [service]
 * @returns {() => void} stop
 */
export function watchPublished({ known, onChange }, service = api) {
  const stopped = new AbortController();
  const { signal } = stopped;

  async function look() {
    if (document.hidden || known().length === 0) return;
    try {
      const { collections } = await service.getCollections(signal);
      if (contentOf(collections) !== contentOf(known())) onChange(collections);
    } catch {
      // The map itself tells what cannot be had; the next look is soon.
    }
  }

  const timer = setInterval(look, PERIOD_MS);
  document.addEventListener('visibilitychange', look, { signal });
  return () => {
    stopped.abort();
    clearInterval(timer);
  };
}

/** @param {readonly Collection[]} collections */
const contentOf = (collections) => JSON.stringify(collections.map(({ id, 'cosia:version': version }) => [id, version]));
