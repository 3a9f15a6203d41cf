/** The map alone, inside another site: its legend on demand, and the way to the whole page. */
import { byId } from './dom.js';
import { embedded, linkOf } from './share/links.js';

/** Whether this is the address that other sites may frame. */
export const isEmbedded = () => window.location.pathname === '/embed';

/** Leaves nothing on the page but the map and what belongs to it. */
export function createEmbed() {
  const app = byId('app', HTMLElement);
  const bar = byId('embed-bar', HTMLElement);
  const card = byId('embed-card', HTMLElement);
  const button = byId('embed-legend', HTMLButtonElement);
  const open = byId('embed-open', HTMLAnchorElement);
  app.classList.add('embedded');
  bar.hidden = false;
  card.append(byId('legend-part', HTMLElement));

  /** @param {boolean} shown */
  function show(shown) {
    card.hidden = !shown;
    button.setAttribute('aria-expanded', String(shown));
  }

  button.addEventListener('click', () => show(Boolean(card.hidden)));
  bar.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || card.hidden) return;
    show(false);
    button.focus();
  });

  return {
    /**
     * @param {import('./state.js').State} state
     * @param {{layer: string | undefined, job: import('./api.js').Job | null}} seen
     */
    show(state, seen) {
      open.href = linkOf(new URL('/', window.location.href).href, embedded(state), seen);
    },
  };
}
