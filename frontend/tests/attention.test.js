import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createAttention } from '../src/attention.js';
import { setLanguage } from '../src/i18n.js';

/** @param {string} id @param {string} [status] @returns {any} */
const job = (id, status = 'successful') => ({ jobID: id, status });
const button = () => /** @type {HTMLButtonElement} */ (document.getElementById('notify'));
const error = () => /** @type {HTMLElement} */ (document.getElementById('notify-error'));

/** What was notified, and the browser's answer to whether it may be. @param {NotificationPermission} answer */
function notifying(answer) {
  const shown = vi.fn();
  /** @type {any} */
  const Notification = function (/** @type {string} */ title, /** @type {any} */ options) {
    shown(title, options.tag);
    return new EventTarget();
  };
  Notification.permission = 'default';
  Notification.requestPermission = vi.fn(async () => (Notification.permission = answer));
  vi.stubGlobal('Notification', Notification);
  return { shown, requestPermission: Notification.requestPermission };
}

const attention = () => createAttention({ describe: () => 'imagery · model', onOpen: vi.fn() });
/** @param {boolean} hidden */
const hide = (hidden) => vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);

beforeEach(() => {
  setLanguage('en');
  localStorage.clear();
  document.body.innerHTML = '<button id="notify"></button><p id="notify-error" hidden></p>';
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test('the title says how the prediction looked at stands', () => {
  const { show, ended } = attention();
  show('40%');
  ended(job('other'));
  expect(document.title).toBe('40% · CoSIA Map');
  show('');
  expect(document.title).toBe('CoSIA Map');
});

test('out of sight the title says what ended, and how many, until the visitor is back', () => {
  const { show, ended } = attention();
  show('40%');
  hide(true);
  ended(job('a', 'failed'));
  expect(document.title).toBe('Failed · CoSIA Map');
  ended(job('a', 'failed'));
  ended(job('b'));
  expect(document.title).toBe('2 predictions ended · CoSIA Map');

  hide(false);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(document.title).toBe('40% · CoSIA Map');
});

test('nothing is notified, nor leave asked for it, before the visitor wants it', () => {
  const { shown, requestPermission } = notifying('granted');
  hide(true);
  attention().ended(job('a'));

  expect(requestPermission).not.toHaveBeenCalled();
  expect(shown).not.toHaveBeenCalled();
});

test('a visitor who wants it is notified out of sight, and not any more once they do not', async () => {
  const { shown } = notifying('granted');
  const { ended } = attention();
  button().click();
  await vi.waitFor(() => expect(button().getAttribute('aria-pressed')).toBe('true'));
  ended(job('seen'));
  hide(true);
  ended(job('a'));
  expect(shown.mock.calls).toEqual([['Prediction finished.', 'a']]);

  button().click();
  await vi.waitFor(() => expect(button().getAttribute('aria-pressed')).toBe('false'));
  ended(job('b'));
  expect(shown).toHaveBeenCalledOnce();
});

test('where notifications are refused that is said, and the title is left', async () => {
  notifying('denied');
  attention();
  button().click();

  await vi.waitFor(() => expect(error().hidden).toBe(false));
  expect(error().textContent).toContain('title');
  expect(button().getAttribute('aria-pressed')).toBe('false');
});
