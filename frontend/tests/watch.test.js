import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ApiError } from '../src/api.js';
import { createHistory } from '../src/history.js';
import { watch } from '../src/watch.js';

/** @param {string} id @param {string} [status] @returns {any} */
const job = (id, status = 'running') => ({ jobID: id, status, progress: 10, area_m2: 1, source: 's', model: 'm', links: [] });

/** @type {() => void} */
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

/**
 * A list of requests under way that is watched, oldest first.
 *
 * @param {string[]} ids
 * @param {(id: string) => any} answer what the service says of one; may throw
 * @param {{lookedAt?: string, shown?: boolean}} [page]
 */
function watched(ids, answer, { lookedAt = '', shown = false } = {}) {
  const history = createHistory();
  for (const id of ids) history.add(job(id), { key: 'k', print: id });
  /** @type {string[]} */
  const asked = [];
  const onEnd = vi.fn();
  const getJob = async (/** @type {string} */ id) => {
    asked.push(id);
    return answer(id);
  };
  stop = watch(history, { lookedAt: () => lookedAt, isListShown: () => shown, onEnd }, { getJob });
  return { history, asked, onEnd };
}

test('those under way are asked for in turn, one in five seconds, but for the one looked at', async () => {
  const { asked } = watched(['a', 'b', 'c'], job, { lookedAt: 'b' });
  await vi.advanceTimersByTimeAsync(20_500);

  expect(asked).toHaveLength(4);
  expect(asked.filter((id) => id === 'a')).toHaveLength(2);
  expect(asked.filter((id) => id === 'c')).toHaveLength(2);
});

test('one that ends is told, and not asked for again', async () => {
  const { asked, onEnd, history } = watched(['a'], (id) => job(id, 'failed'));
  await vi.advanceTimersByTimeAsync(60_000);

  expect(asked).toEqual(['a']);
  expect(onEnd).toHaveBeenCalledOnce();
  expect(history.list()).toMatchObject([{ status: 'failed' }]);
});

test('one that the service does not know is said to be gone', async () => {
  const { asked, history } = watched(['a'], () => {
    throw new ApiError({ detail: 'no such job', status: 404, type: 'unknown' });
  });
  await vi.advanceTimersByTimeAsync(60_000);

  expect(asked).toEqual(['a']);
  expect(history.list()).toMatchObject([{ status: 'gone' }]);
});

test('a service that is away is asked less and less often, and never sooner than it wants', async () => {
  const refusals = [
    new ApiError({ detail: '', status: 0, type: 'no-answer' }),
    new ApiError({ detail: '', status: 503, type: 'unavailable', retryAfter_s: 90 }),
  ];
  const { asked } = watched(['a'], (id) => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    return job(id);
  });

  await vi.advanceTimersByTimeAsync(5_500);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(89_000);
  expect(asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toHaveLength(3);
});

test('whether results are still there is asked once, while the list is shown', async () => {
  createHistory().add(job('a', 'successful'), { key: 'k', print: 'a' });
  await vi.advanceTimersByTimeAsync(1_000);
  const { asked, history } = watched([], (id) => ({ ...job(id, 'successful'), expired: '2026-01-01T00:00:00Z' }), { shown: true });
  await vi.advanceTimersByTimeAsync(60_000);

  expect(asked).toEqual(['a']);
  expect(history.list()).toMatchObject([{ expired: true }]);
});
