/** A window over the page that tells of one thing: a model, a layer. */
import { byId, element } from './dom.js';
import { onLanguage } from './i18n.js';

/** @typedef {ReturnType<typeof createCard>} Card */

export function createCard() {
  const dialog = byId('card', HTMLDialogElement);
  const heading = byId('card-title', HTMLElement);
  const body = byId('card-body', HTMLElement);
  /** @type {() => {title: string, content: HTMLElement[]}} */
  let tell = () => ({ title: '', content: [] });

  function render() {
    const { title, content } = tell();
    heading.textContent = title;
    body.replaceChildren(...content);
  }

  byId('card-close', HTMLButtonElement).addEventListener('click', () => dialog.close());
  onLanguage(() => dialog.open && render());

  return {
    /** @param {typeof tell} next what there is to tell, asked for again in another language */
    open(next) {
      tell = next;
      render();
      dialog.showModal();
      body.scrollTop = 0;
    },
  };
}

/** @param {string} heading @param {...HTMLElement} content */
export const section = (heading, ...content) => [element('h3', {}, heading), ...content];
