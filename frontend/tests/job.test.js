import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ApiError } from '../src/api.js';
import { follow } from '../src/job.js';

const BBOX = [3, 43, 3.1, 43.1];

/** @param {string} status @param {number} done */
const job = (status, done) =>
  /** @type {any} */ ({ jobID: 'a', status, bbox: BBOX, last_event: 10 + done, aoi: 'outline', blocks: { total: 4, done, failed: 0 } });

/** A service whose answers and events the test decides; `answers` are jobs or errors, one a question. */
class Service {
  /** @param {any[]} answers */
  constructor(answers) {
    this.asked = 0;
    /** @type {any[]} */
    this.streams = [];
    this.getJob = async () => {
      const answer = answers[Math.min(this.asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    };
    this.listen = (/** @type {string} */ _, /** @type {number} */ after, /** @type {any} */ listeners) => {
      const close = vi.fn();
      this.streams.push({ ...listeners, after, close });
      return close;
    };
  }
}

/** @param {Service} service */
function followed(service) {
  const heard = { onStatus: vi.fn(), onBlocks: vi.fn(), onWaiting: vi.fn(), onGone: vi.fn() };
  const stop = follow('a', heard, service);
  return { ...heard, stop };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a job is followed by its events to its end', async () => {
  const service = new Service([job('accepted', 0)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(0);

  service.streams[0].onBlock({ bbox: [1, 2, 3, 4], done: 1, total: 4 });
  service.streams[0].onStatus(job('successful', 4));
  await vi.advanceTimersByTimeAsync(60_000);

  expect(heard.onBlocks.mock.calls).toEqual([[[1, 2, 3, 4]]]);
  expect(heard.onStatus.mock.calls.map(([{ status }]) => status)).toEqual(['accepted', 'successful']);
  expect(service.streams[0].close).toHaveBeenCalled();
  expect(service.asked).toBe(1);
});

test('events go on from the status that was read, and keep its outline', async () => {
  const service = new Service([job('running', 3)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(0);

  const { aoi: _, ...told } = job('successful', 4);
  service.streams[0].onStatus(told);

  expect(service.streams[0].after).toBe(13);
  expect(heard.onStatus.mock.lastCall?.[0]).toMatchObject({ status: 'successful', aoi: 'outline' });
});

test('without a stream the job is asked for, at most every five seconds', async () => {
  const service = new Service([job('running', 1), job('running', 2), job('successful', 4)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(0);

  service.streams[0].onBroken();
  await vi.advanceTimersByTimeAsync(4_900);
  expect(service.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  service.streams[1].onBroken();
  await vi.advanceTimersByTimeAsync(5_100);

  expect(heard.onStatus.mock.lastCall?.[0].status).toBe('successful');
  expect(service.asked).toBe(3);
});

test('blocks that finished while nobody listened are drawn again', async () => {
  const service = new Service([job('running', 1), job('running', 3)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(0);
  service.streams[0].onBroken();
  await vi.advanceTimersByTimeAsync(5_100);

  expect(heard.onBlocks.mock.calls).toEqual([[BBOX], [BBOX]]);
});

test('a stream that stays silent is not trusted', async () => {
  const service = new Service([job('running', 1), job('successful', 4)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(15_100);

  expect(service.streams[0].close).toHaveBeenCalled();
  expect(heard.onStatus.mock.lastCall?.[0].status).toBe('successful');
});

test('a service that is away is waited for, longer each time and never less than it asks', async () => {
  const away = new ApiError({ detail: '', status: 0, type: 'no-answer' });
  const busy = new ApiError({ detail: '', status: 503, type: 'unavailable', retryAfter_s: 30 });
  const service = new Service([away, away, busy, job('successful', 4)]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(60_000);

  expect(heard.onWaiting.mock.calls.map(([seconds]) => seconds)).toEqual([5, 10, 30]);
  expect(heard.onStatus.mock.lastCall?.[0].status).toBe('successful');
});

test('a job that does not exist is not asked for again', async () => {
  const service = new Service([new ApiError({ detail: 'no such job', status: 404, type: 'unknown' })]);
  const heard = followed(service);
  await vi.advanceTimersByTimeAsync(60_000);

  expect(heard.onGone).toHaveBeenCalledOnce();
  expect(service.asked).toBe(1);
});

test('nothing is asked once stopped', async () => {
  const service = new Service([job('running', 1)]);
  const { stop } = followed(service);
  await vi.advanceTimersByTimeAsync(0);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(service.streams[0].close).toHaveBeenCalled();
  expect(service.asked).toBe(1);
});
