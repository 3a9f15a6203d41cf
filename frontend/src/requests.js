/** The list of one's requests: how each stands, and what one can do with it. */
import * as api from './api.js';
import { byId, element, say } from './dom.js';
import { failureText } from './failure.js';
import { isUnderWay } from './history.js';
import { areaText, language, number, onLanguage, t } from './i18n.js';

/** @typedef {import('./history.js').Request} Request */
/** @typedef {import('./api.js').Job} Job */

/**
 * @param {import('./history.js').History} history
 * @param {object} options
 * @param {(request: {source: string, model: string}) => string} options.describe
 * @param {(id: string) => void} options.onOpen
 * @param {(job: Job, signal: AbortSignal) => Promise<void>} options.repeat asks for the same again
 */
export function createRequests(history, { describe, onOpen, repeat }) {
  const root = byId('requests', HTMLDetailsElement);
  const count = byId('requests-count', HTMLElement);
  const list = byId('requests-list', HTMLUListElement);
  const errorSlot = byId('requests-error', HTMLElement);
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  /** @type {string | null} */
  let open = null;

  /** @param {string} id */
  function createRow(id) {
    const when = element('span');
    const status = element('span', { className: 'status' });
    const note = element('span', { className: 'note' });
    const title = element('button', { type: 'button', className: 'request', id: `request-${id}` }, when, status, note);
    const cancel = element('button', { type: 'button', className: 'quiet' });
    const again = element('button', { type: 'button', className: 'quiet' });
    const forget = element('button', { type: 'button', className: 'quiet' });
    for (const button of [cancel, again, forget]) button.setAttribute('aria-describedby', title.id);
    title.addEventListener('click', () => onOpen(id));
    cancel.addEventListener('click', () =>
      act(cancel, async (signal) => {
        await api.dismiss(id, signal);
        history.record(await api.getJob(id, signal));
      }),
    );
    again.addEventListener('click', () => act(again, async (signal) => repeat(await api.getJob(id, signal), signal)));
    forget.addEventListener('click', () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      history.forget(id);
      // The button that had the focus is gone.
      (next?.querySelector('button') ?? root.querySelector('summary'))?.focus();
    });
    const row = element('li', {}, title, element('div', { className: 'buttons' }, cancel, again, forget));

    return {
      row,
      /** @param {Request} request */
      show(request) {
        const { status: state, progress, expired } = request;
        const active = isUnderWay(request);
        when.textContent = `${whenText(request.at)} · ${areaText(request.area_m2)}`;
        status.textContent = expired ? t('expired') : state === 'running' ? `${t(state)} ${number(progress / 100, { style: 'percent' })}` : t(state);
        status.dataset.status = state;
        note.textContent = describe(request);
        title.setAttribute('aria-current', String(id === open));
        cancel.textContent = t('cancel');
        cancel.hidden = !active || id === request.permalink;
        again.textContent = t('repeatJob');
        again.hidden = active || state === 'gone';
        forget.textContent = t('forget');
      },
    };
  }

  /**
   * @param {HTMLButtonElement} button out of use meanwhile
   * @param {(signal: AbortSignal) => Promise<void>} action
   */
  async function act(button, action) {
    say(errorSlot, '');
    button.disabled = true;
    try {
      await action(AbortSignal.timeout(30_000));
    } catch (error) {
      say(errorSlot, failureText(error));
    }
    button.disabled = false;
  }

  function render() {
    const requests = history.list();
    root.hidden = requests.length === 0;
    const active = requests.filter(isUnderWay).length;
    count.textContent = active > 0 ? t('requestsCountActive', { n: number(requests.length), active: number(active) }) : t('requestsCount', { n: number(requests.length) });
    for (const [id, { row }] of rows) {
      if (requests.some((request) => request.id === id)) continue;
      row.remove();
      rows.delete(id);
    }
    for (const [i, request] of requests.entries()) {
      const row = rows.get(request.id) ?? createRow(request.id);
      rows.set(request.id, row);
      row.show(request);
      if (list.children[i] !== row.row) list.insertBefore(row.row, list.children[i] ?? null);
    }
  }

  history.onChange(render);
  onLanguage(render);
  render();

  return {
    render,
    isShown: () => root.open && !root.hidden && root.offsetParent !== null,
    /** Which of them is looked at. @param {string | null} id */
    mark(id) {
      open = id;
      render();
    },
  };
}

/** @param {number} at ms since 1970 */
function whenText(at) {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'short', timeStyle: 'short' }).format(at);
}
