import { afterEach, expect, test, vi } from 'vitest';

import { ApiError, estimate, execute, getCollections, getJob, getTile, listen, ownAddress } from '../src/api.js';
import { setLanguage } from '../src/i18n.js';

afterEach(() => vi.unstubAllGlobals());

const INPUTS = /** @type {import('../src/api.js').Inputs} */ ({
  aoi: { type: 'Polygon', coordinates: [[[3, 43], [3.1, 43], [3, 43.1], [3, 43]]] },
  source: 'demo-2024',
  model: 'cosia-demo',
});

/** @param {Response | Error} answer */
function answering(answer) {
  const fetch = vi.fn(async () => {
    if (answer instanceof Response) return answer;
    throw answer;
  });
  vi.stubGlobal('fetch', fetch);
  return /** @type {import('vitest').Mock<(url: URL, options: any) => Promise<Response>>} */ (/** @type {unknown} */ (fetch));
}

/** @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
const problem = (status, body, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json', ...headers } });

test('a problem carries the sentence, the status, the type and the input at fault', async () => {
  answering(problem(400, { type: 'aoi-invalid', title: 'Invalid', detail: 'the outline crosses itself', parameter: 'aoi' }));

  await expect(estimate(INPUTS)).rejects.toMatchObject({
    detail: 'the outline crosses itself',
    status: 400,
    type: 'aoi-invalid',
    parameter: 'aoi',
  });
});

test('a busy service says when to come back', async () => {
  answering(problem(503, { type: 'unavailable', title: 'Unavailable' }, { 'Retry-After': '7' }));

  await expect(getCollections()).rejects.toMatchObject({ status: 503, detail: 'Unavailable', retryAfter_s: 7 });
});

test('an error page of a proxy becomes an error without a sentence', async () => {
  answering(new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }));

  await expect(getCollections()).rejects.toMatchObject({ status: 502, detail: '' });
});

test('a body that is not the JSON it says is an error without a sentence', async () => {
  answering(new Response('{', { status: 500, headers: { 'Content-Type': 'application/json' } }));

  await expect(getCollections()).rejects.toMatchObject({ status: 500, detail: '' });
});

test('a job that predicts nothing is not there for the page', async () => {
  answering(new Response(JSON.stringify({ jobID: 'a', processID: 'measure-areas' })));

  await expect(getJob('a')).rejects.toMatchObject({ status: 404, type: 'not-a-prediction' });
});

test('a job that has not changed is not sent again', async () => {
  const job = { jobID: 'b', processID: 'predict-land-cover' };
  const fetch = answering(new Response(JSON.stringify(job), { headers: { ETag: '"1"' } }));
  expect(await getJob('b')).toEqual(job);
  const again = answering(new Response(null, { status: 304 }));

  expect(await getJob('b')).toEqual(job);

  expect(fetch.mock.calls[0][1].headers['If-None-Match']).toBeUndefined();
  expect(again.mock.calls[0][1].headers['If-None-Match']).toBe('"1"');
});

test.each(/** @type {const} */ (['fr', 'en']))('the service is asked in the page’s language: %s', async (language) => {
  setLanguage(language);
  const fetch = answering(new Response('{}'));
  await estimate(INPUTS);

  expect(fetch.mock.calls[0][1].headers).toMatchObject({ 'Accept-Language': language, 'Content-Type': 'application/json' });
});

test('events, which take no header, are asked for in the page’s language by their address', () => {
  setLanguage('fr');
  /** @type {URL[]} */
  const opened = [];
  vi.stubGlobal(
    'EventSource',
    class extends EventTarget {
      /** @param {URL} address */
      constructor(address) {
        super();
        opened.push(address);
      }

      close() {}
    },
  );
  listen('a', 7, { onStatus() {}, onBlock() {}, onBroken() {} })();

  expect(opened.map(({ pathname, search }) => pathname + search)).toEqual(['/api/jobs/a/events?after=7&lang=fr']);
});

test('no answer is status 0', async () => {
  answering(new TypeError('Failed to fetch'));

  await expect(getCollections()).rejects.toMatchObject({ status: 0 });
});

test('a request given up is no failure of the service', async () => {
  const given = new AbortController();
  const reason = new DOMException('given up', 'AbortError');
  answering(reason);
  given.abort(reason);

  const error = await getCollections(given.signal).catch((caught) => caught);

  expect(error).not.toBeInstanceOf(ApiError);
  expect(error).toBe(reason);
});

test('an execution carries its inputs and its key', async () => {
  const fetch = answering(new Response('{"jobID": "a"}', { status: 201 }));

  expect(await execute(INPUTS, 'the-key')).toEqual({ jobID: 'a' });

  const [url, options] = fetch.mock.calls[0];
  expect(url.pathname).toBe('/api/processes/predict-land-cover/execution');
  expect(options.headers['Idempotency-Key']).toBe('the-key');
  expect(JSON.parse(options.body)).toEqual({ inputs: INPUTS });
});

test('a tile is asked for on the own origin, with its versions', async () => {
  const fetch = answering(new Response('png'));

  await getTile('https://maps.example/tiles/a/{z}/{x}/{y}.png?v=1a', 16, 33, 44, new AbortController().signal, 5);

  expect(String(fetch.mock.calls[0][0])).toBe(`${window.location.origin}/tiles/a/16/33/44.png?v=1a&v=5`);
});

test('an empty tile is null', async () => {
  answering(new Response(null, { status: 204 }));

  expect(await getTile('tiles/a/{z}/{x}/{y}.png', 1, 1, 1, new AbortController().signal)).toBeNull();
});

test.each([
  ['https://maps.example:8000/tiles/a?x=1', '/tiles/a?x=1'],
  ['/tiles/a', '/tiles/a'],
  ['tiles/a', 'tiles/a'],
  ['//elsewhere.example/a', '/a'],
  ['javascript:alert(1)', './javascript:alert(1)'],
])('%s is on this origin %s', (href, expected) => {
  expect(ownAddress(href)).toBe(expected);
});
