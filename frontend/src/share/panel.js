/** The tab of what can be taken away: a link, a picture, a page on paper, addresses for other software, a frame. */
import { createCopyField } from '../copyfield.js';
import { byId } from '../dom.js';
import { onLanguage, t } from '../i18n.js';
import { embedded, linkOf, snippetOf } from './links.js';
import { createSoftware } from './software.js';

/** @typedef {import('../state.js').State} State */
/** @typedef {import('../state.js').Tab} Tab */
/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').Job} Job */

// Nobody types more.
const MOST_PRINTED = 200;

/**
 * @param {object} options
 * @param {(text: string) => void} options.announce
 * @param {() => void} options.onAsked the tab is asked for elsewhere on the page
 */
export function createSharePanel({ announce, onAsked }) {
  const link = createCopyField(byId('share-link', HTMLElement), { label: 'linkOfView', announce });
  const snippet = createCopyField(byId('share-embed', HTMLElement), { label: 'embedCode', announce, long: true });
  const embedNote = byId('share-embed-note', HTMLElement);
  const software = createSoftware(announce);

  // Until the service has told its own.
  let page = new URL('/', window.location.href).href;
  /** @type {import('../api.js').Landing['page']['embed'] | null} */
  let embed = null;
  /** @type {Tab} the one to which a link leads: what was open before */
  let tab = 'map';
  let address = page;

  function renderEmbedNote() {
    const sites = embed?.sites ?? [];
    if (sites.length === 0) embedNote.textContent = t('embedNowhere');
    else embedNote.textContent = sites.includes('*') ? t('embedAnywhere') : t('embedSites', { sites: sites.join(', ') });
  }

  byId('job-share', HTMLButtonElement).addEventListener('click', onAsked);
  onLanguage(renderEmbedNote);

  return {
    /** To what was seen when the tab was last open; to the page itself where that is too long for a line of print. */
    shortLink: () => (address.length < MOST_PRINTED ? address : page),

    /** @param {import('../api.js').Landing} landing */
    setLanding(landing) {
      page = landing.page.href;
      embed = landing.page.embed;
      renderEmbedNote();
    },

    /**
     * @param {State} state
     * @param {Collection | undefined} collection on the map
     * @param {Job | null} job on the map
     */
    show(state, collection, job) {
      if (state.tab !== 'share') {
        tab = state.tab;
        return;
      }
      const seen = { layer: collection?.id, job };
      address = linkOf(page, { ...state, tab }, seen);
      link.set(address);
      snippet.set(embed?.sites.length ? snippetOf(linkOf(embed.href, embedded(state), seen), collection?.title ?? 'CoSIA Map') : '');
      software.show(collection, job);
    },
  };
}
