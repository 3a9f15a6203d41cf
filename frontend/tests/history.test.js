import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createHistory } from '../src/history.js';
import { createSubmit, fingerprint } from '../src/request.js';

const INPUTS = /** @type {import('../src/api.js').Inputs} */ ({ source: 'demo-2024', model: 'cosia-demo' });

/** @param {string} id @param {Record<string, unknown>} [more] @returns {import('../src/api.js').Job} */
const job = (id, more) =>
  /** @type {any} */ ({
    jobID: id,
    status: 'accepted',
    progress: 0,
    area_m2: 100,
    source: 's',
    model: 'm',
    links: [{ rel: 'bookmark', href: `http://maps.example/api/jobs/shared-${id}` }],
    ...more,
  });

const SENT = { key: 'k', print: 'p' };

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

test('requests are listed newest first, each once, and the oldest go', () => {
  const history = createHistory();
  for (let i = 0; i < 52; i++) history.add(job(`j${i}`), SENT);
  history.add(job('j5'), SENT);

  const ids = history.list().map(({ id }) => id);
  expect(ids).toHaveLength(50);
  expect(ids.slice(0, 3)).toEqual(['j5', 'j51', 'j50']);
  expect(ids).not.toContain('j0');
});

test('another page of this browser has the same list', () => {
  createHistory().add(job('a'), SENT);

  const elsewhere = createHistory();
  elsewhere.record(job('a', { status: 'successful', progress: 100, expired: '2026-01-01T00:00:00Z' }));
  elsewhere.record(job('somebody-else'));

  expect(createHistory().list()).toMatchObject([{ id: 'a', status: 'successful', progress: 100, expired: true }]);
});

test('what another tab changes is told', () => {
  const heard = vi.fn();
  createHistory().onChange(heard);
  window.dispatchEvent(new StorageEvent('storage', { key: 'cosia.requests' }));
  window.dispatchEvent(new StorageEvent('storage', { key: 'cosia.zone' }));

  expect(heard).toHaveBeenCalledOnce();
});

test('a job lost under its id is looked for under its permalink, then said to be gone', () => {
  const history = createHistory();
  history.add(job('a'), SENT);

  expect(history.lost('a')).toBe('shared-a');
  expect(history.list()).toMatchObject([{ id: 'shared-a', status: 'accepted' }]);
  expect(history.lost('shared-a')).toBeNull();
  expect(history.list()).toMatchObject([{ id: 'shared-a', status: 'gone' }]);
  expect(history.lost('somebody-else')).toBeNull();
});

test('a forgotten request is gone from the list', () => {
  const history = createHistory();
  history.add(job('a'), SENT);
  history.add(job('b'), SENT);
  history.forget('a');

  expect(history.list().map(({ id }) => id)).toEqual(['b']);
});

test('a list that cannot be kept, or read, is that of the page', () => {
  localStorage.setItem('cosia.requests', '{"not": "a list"}');
  expect(createHistory().list()).toEqual([]);
  localStorage.setItem('cosia.requests', '[{"id": 7}, null]');
  expect(createHistory().list()).toEqual([]);

  const forbidden = createHistory(() => {
    throw new DOMException('storage is forbidden', 'SecurityError');
  });
  forbidden.add(job('a'), SENT);
  expect(forbidden.list()).toMatchObject([{ id: 'a' }]);
});

/** @param {(Response | Error)[]} answers @returns {() => string[]} keys sent so far */
function sendingTo(answers) {
  /** @type {string[]} */
  const keys = [];
  vi.stubGlobal('fetch', async (/** @type {URL} */ _, /** @type {any} */ options) => {
    keys.push(options.headers['Idempotency-Key']);
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  });
  return () => keys;
}

/** @param {string} id */
const created = (id) => new Response(JSON.stringify(job(id)), { status: 201 });
const { signal } = new AbortController();

test('a request whose answer was lost is sent again under the same key, from another tab too', async () => {
  const keys = sendingTo([new TypeError('Failed to fetch'), created('a')]);

  await expect(createSubmit(createHistory())(INPUTS, signal)).rejects.toThrow();
  await createSubmit(createHistory())(INPUTS, signal);

  expect(keys()[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys()[1]).toBe(keys()[0]);
});

test('an answer lost long ago is not waited for', async () => {
  const keys = sendingTo([new TypeError('Failed to fetch'), created('a')]);
  const submit = createSubmit(createHistory());
  vi.spyOn(Date, 'now').mockReturnValueOnce(0);
  await submit(INPUTS, signal).catch(() => {});
  vi.restoreAllMocks();
  await submit(INPUTS, signal);

  expect(keys()[1]).not.toBe(keys()[0]);
});

test('a request of which a job is under way gives that job, and a new one once it has ended', async () => {
  const keys = sendingTo([created('a'), created('a'), created('b')]);
  const history = createHistory();
  await createSubmit(history)(INPUTS, signal);
  await createSubmit(createHistory())(INPUTS, signal);
  expect(history.list()).toHaveLength(1);
  history.record(job('a', { status: 'failed' }));
  await createSubmit(history)(INPUTS, signal);

  expect(keys()[1]).toBe(keys()[0]);
  expect(keys()[2]).not.toBe(keys()[0]);
  expect(history.list().map(({ id }) => id)).toEqual(['b', 'a']);
});

test('another request has another key', async () => {
  const keys = sendingTo([new TypeError('Failed to fetch'), created('a')]);
  const submit = createSubmit(createHistory());
  await submit(INPUTS, signal).catch(() => {});
  await submit({ ...INPUTS, source: 'demo-2021' }, signal);

  expect(new Set(keys()).size).toBe(2);
});

test('fingerprints are those of FNV-1a, after the length', () => {
  // From the test vectors of its authors: http://www.isthe.com/chongo/src/fnv/test_fnv.c
  expect(fingerprint('')).toBe('0.811c9dc5');
  expect(fingerprint('foobar')).toBe('6.bf9cf968');
});
