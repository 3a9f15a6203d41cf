/**
 * One question at a time to the service, with its controls: a button that asks, progress, a way to give up, what went
 * wrong. Questions are told apart by a key: the answer to one is kept as long as it is the question.
 */
import { byId, element, say } from '../dom.js';
import { failureText } from '../failure.js';
import { onLanguage, t } from '../i18n.js';

// A zone that is being edited is not asked about at each vertex.
const ASK_AFTER_MS = 400;

/**
 * key: changes with whatever changes the answer; `progress` is told 0-100.
 *
 * @template Answer
 * @typedef {{key: string, ask: (signal: AbortSignal, progress: (percent: number) => void) => Promise<Answer>}} Question
 */

/**
 * @template Answer
 * @param {string} id of the empty element that the controls fill
 * @param {object} options
 * @param {import('../i18n.js').Key} options.label of the button
 * @param {(answer: Answer | null) => void} options.onAnswer null: there is none, or none any more
 */
export function createAsking(id, { label, onAnswer }) {
  const root = byId(id, HTMLElement);
  const button = element('button', { type: 'button', 'aria-describedby': `${id}-error` });
  const bar = element('progress', { max: 100 });
  const cancel = element('button', { type: 'button', className: 'quiet' });
  const waiting = element('div', { className: 'waiting', hidden: true }, bar, cancel);
  const alert = element('p', { className: 'alert', id: `${id}-error`, role: 'alert', hidden: true });
  root.append(button, waiting, alert);

  /** @type {Question<Answer> | null} */
  let question = null;
  /** Whether the question may be asked again once it is answered: what it is about may have changed. */
  let repeatable = false;
  /** @type {'open' | 'asked' | 'answered' | 'refused' | 'left'} */
  let state = 'open';
  let asked = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;

  function notSoon() {
    clearTimeout(soon);
    soon = undefined;
  }

  async function ask() {
    notSoon();
    if (!question) return;
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    become('asked');
    bar.removeAttribute('value');
    try {
      const answer = await question.ask(signal, (percent) => (bar.value = percent));
      if (signal.aborted) return;
      become('answered');
      onAnswer(answer);
    } catch (error) {
      if (signal.aborted) return;
      become('refused', failureText(error));
      onAnswer(null);
    }
  }

  /** @param {typeof state} next @param {string} [message] */
  function become(next, message = '') {
    const hadFocus = waiting.contains(document.activeElement);
    state = next;
    say(alert, message);
    render();
    // A hidden button keeps no focus.
    if (hadFocus && !button.hidden) button.focus();
  }

  function render() {
    root.hidden = question === null;
    waiting.hidden = state !== 'asked';
    button.hidden = state === 'asked' || (state === 'answered' && !repeatable);
    button.textContent = state === 'refused' ? t('retry') : t(state === 'answered' ? 'measureAgain' : label);
    cancel.textContent = t('giveUp');
    bar.setAttribute('aria-label', t('measuring'));
  }

  button.addEventListener('click', ask);
  cancel.addEventListener('click', () => {
    asked.abort();
    become('left');
  });
  onLanguage(render);

  return {
    /**
     * What is to be asked; the same again changes nothing.
     *
     * @param {Question<Answer> | null} next
     * @param {object} how
     * @param {boolean} how.byItself whether it is asked without the button
     * @param {boolean} how.again whether the button stays when it is answered
     */
    put(next, { byItself, again }) {
      repeatable = again;
      if (next?.key !== question?.key) {
        notSoon();
        asked.abort();
        become('open');
        onAnswer(null);
      }
      question = next;
      render();
      if (!byItself || !question || state !== 'open') notSoon();
      else soon ??= setTimeout(ask, ASK_AFTER_MS);
    },
  };
}
