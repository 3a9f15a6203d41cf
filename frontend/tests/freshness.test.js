import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { watchPublished } from '../src/freshness.js';

/** @param {string} id @param {string} version @returns {any} */
const layer = (id, version) => ({ id, title: id, extent: { spatial: { bbox: [] } }, 'cosia:version': version });

/** @type {() => void} */
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

/** @param {any[]} known @param {() => any[]} answer what is published; may throw */
function watched(known, answer) {
  const onChange = vi.fn();
  let asked = 0;
  const getCollections = async () => {
    asked++;
    return { collections: answer() };
  };
  stop = watchPublished({ known: () => known, onChange }, { getCollections });
  return { onChange, asked: () => asked };
}

const comeBack = () => document.dispatchEvent(new Event('visibilitychange'));

test('other content, another layer and one less are told, and the same is not', async () => {
  const known = [layer('a', '1'), layer('b', '1')];
  let now = known.map((each) => ({ ...each }));
  const { onChange } = watched(known, () => now);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onChange).not.toHaveBeenCalled();

  for (const next of [[layer('a', '2'), layer('b', '1')], [...known, layer('c', '1')], [layer('b', '1')]]) {
    now = next;
    comeBack();
    await vi.advanceTimersByTimeAsync(0);
    expect(onChange).toHaveBeenLastCalledWith(next);
  }
});

test('it is asked once a minute, and goes on when no answer came', async () => {
  const { onChange, asked } = watched([layer('a', '1')], () => {
    throw new Error('away');
  });
  await vi.advanceTimersByTimeAsync(180_500);

  expect(asked()).toBe(3);
  expect(onChange).not.toHaveBeenCalled();
});

test('nothing is asked while the page is out of sight, or before it has any layer', async () => {
  const none = watched([], () => []);
  await vi.advanceTimersByTimeAsync(60_500);
  expect(none.asked()).toBe(0);
  stop();

  const { asked } = watched([layer('a', '1')], () => []);
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  await vi.advanceTimersByTimeAsync(60_500);
  expect(asked()).toBe(0);
  hidden.mockRestore();
});
