/** A text to take away: there to be selected, with a button that copies it. */
import { element, say } from './dom.js';
import { onLanguage, t } from './i18n.js';

const COPIED_MS = 2000;

/** @typedef {ReturnType<typeof createCopyField>} CopyField */

/**
 * Puts the field into an empty element of the page.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {import('./i18n.js').Key} options.label
 * @param {(text: string) => void} options.announce
 * @param {boolean} [options.long] shown on several lines
 */
export function createCopyField(root, { label, announce, long = false }) {
  const box = long
    ? element('textarea', { readOnly: true, rows: 4, spellcheck: false })
    : element('input', { type: 'text', readOnly: true, spellcheck: false });
  const name = element('span');
  const button = element('button', { type: 'button' });
  const slot = element('p', { className: 'alert', role: 'alert', hidden: true });
  root.classList.add('copy');
  root.append(element('label', {}, name, box), button, slot);

  function render() {
    name.textContent = t(label);
    button.textContent = t('copy');
    // There are several on the page.
    button.setAttribute('aria-label', t('copyOf', { name: t(label) }));
  }

  button.addEventListener('click', async () => {
    if (!(await copied(box))) {
      say(slot, t('copyByHand'));
      return;
    }
    say(slot, '');
    announce(t('copied'));
    button.textContent = t('copied');
    setTimeout(render, COPIED_MS);
  });
  box.addEventListener('focus', () => box.select());
  onLanguage(render);
  render();

  return {
    /** @param {string} text nothing is shown of an empty one */
    set(text) {
      root.hidden = text === '';
      if (box.value !== text) box.value = text;
    },
  };
}

/** @param {HTMLInputElement | HTMLTextAreaElement} box */
async function copied(box) {
  box.select();
  try {
    await navigator.clipboard.writeText(box.value);
    return true;
  } catch {
    // There is no clipboard on an insecure origin, or it is forbidden; the older way works there, if any does.
    return document.execCommand('copy');
  }
}
