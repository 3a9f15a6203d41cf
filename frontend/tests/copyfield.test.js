import { beforeEach, expect, test, vi } from 'vitest';

import { createCopyField } from '../src/copyfield.js';
import { setLanguage } from '../src/i18n.js';

beforeEach(() => {
  setLanguage('en');
  document.body.replaceChildren(document.createElement('div'));
});

/** @param {{writeText: (text: string) => Promise<void>} | undefined} clipboard @param {boolean} olderWay */
function copyFieldWith(clipboard, olderWay) {
  Object.defineProperty(navigator, 'clipboard', { value: clipboard, configurable: true });
  document.execCommand = vi.fn(() => olderWay);
  const root = /** @type {HTMLElement} */ (document.body.firstElementChild);
  const announce = vi.fn();
  const field = createCopyField(root, { label: 'addressXyz', announce });
  field.set('https://maps.example.org/');
  const [input, button] = [root.querySelector('input'), root.querySelector('button')];
  if (!input || !button) throw new Error('no field');
  return { field, root, input, button, announce };
}

test('the text is copied, and that is announced', async () => {
  const writeText = vi.fn(async () => {});
  const { button, announce } = copyFieldWith({ writeText }, false);

  button.click();
  await vi.waitFor(() => expect(announce).toHaveBeenCalledWith('Copied'));

  expect(writeText).toHaveBeenCalledWith('https://maps.example.org/');
  expect(button.textContent).toBe('Copied');
});

test('without a clipboard the older way copies what is selected', async () => {
  const { input, button, announce } = copyFieldWith(undefined, true);

  button.click();
  await vi.waitFor(() => expect(announce).toHaveBeenCalledWith('Copied'));

  expect(input.value.slice(input.selectionStart ?? 0, input.selectionEnd ?? 0)).toBe('https://maps.example.org/');
});

test('where nothing may copy, the text is selected and one is told how', async () => {
  const { root, input, button, announce } = copyFieldWith({ writeText: async () => Promise.reject(new Error('forbidden')) }, false);

  button.click();
  await vi.waitFor(() => expect(root.querySelector('[role=alert]')?.textContent).toContain('Ctrl + C'));

  expect(input.selectionEnd).toBe(input.value.length);
  expect(announce).not.toHaveBeenCalled();
});

test('each button says what it copies, and nothing is shown of an empty address', () => {
  const { field, root, button } = copyFieldWith(undefined, true);

  expect(button.getAttribute('aria-label')).toBe('Copy: Address of the tiles');
  field.set('');
  expect(root.hidden).toBe(true);
});
