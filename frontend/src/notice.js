/** What went wrong with the map, said on the map, with a button that tries again. */
import { byId } from './dom.js';
import { failureText } from './failure.js';
import { t } from './i18n.js';

/** @typedef {ReturnType<typeof createNotice>} Notice */

/** @param {() => void} onRetry */
export function createNotice(onRetry) {
  const root = byId('map-notice', HTMLElement);
  const words = byId('map-notice-text', HTMLElement);
  byId('map-retry', HTMLButtonElement).addEventListener('click', onRetry);

  /** @param {string} text empty to hide */
  function show(text) {
    words.textContent = text;
    root.hidden = text === '';
  }

  return {
    show,
    isShown: () => !root.hidden,
    /** @param {unknown} error */
    tileFailed(error) {
      show(`${t('tilesFailed')} ${failureText(error)}`);
    },
  };
}
