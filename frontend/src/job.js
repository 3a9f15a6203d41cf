/** Following a job to its end, through whatever the network does. */
import * as api from './api.js';
import { sleep } from './sleep.js';

/** @typedef {import('./api.js').Job} Job */

const FINAL = new Set(['successful', 'failed', 'dismissed']);

// A stream may stay open and carry nothing (a buffering proxy): after so long, ask.
const SILENCE_MS = 15_000;
const FIRST_PAUSE_S = 5;
const LONGEST_PAUSE_S = 60;

/** Whether nothing more will happen to a job. @param {{status: string}} job */
export function isFinal({ status }) {
  return FINAL.has(status);
}

/**
 * Follows a job until it ends: by events where they come through, by asking where they do not.
 *
 * @param {string} id
 * @param {object} listeners
 * @param {(job: Job) => void} listeners.onStatus the last call has a final status
 * @param {(bbox: number[]) => void} listeners.onBlocks blocks inside this bbox may look different
 * @param {(seconds: number, error: unknown) => void} listeners.onWaiting no answer; the next try comes in so many seconds
 * @param {(error: api.ApiError) => void} listeners.onGone there is no such job; nothing more follows
 * @param {Pick<typeof api, 'getJob' | 'listen'>} [service]
 * @returns {() => void} stop
 */
export function follow(id, { onStatus, onBlocks, onWaiting, onGone }, service = api) {
  const stopped = new AbortController();
  const { signal } = stopped;

  async function run() {
    let done = 0;
    /** @type {Job} */
    let job;
    let pause_s = FIRST_PAUSE_S;
    while (!signal.aborted) {
      try {
        job = await service.getJob(id, signal);
        onStatus(job);
        if (isFinal(job)) return;
        // Blocks that finished while nobody listened.
        if (job.blocks.done > done) onBlocks(job.bbox);
        done = job.blocks.done;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof api.ApiError && [404, 410, 422].includes(error.status)) {
          onGone(error);
          return;
        }
        const asked_s = error instanceof api.ApiError ? (error.retryAfter_s ?? 0) : 0;
        const wait_s = Math.max(pause_s, asked_s);
        onWaiting(wait_s, error);
        await sleep(wait_s * 1000, signal);
        pause_s = Math.min(pause_s * 2, LONGEST_PAUSE_S);
        continue;
      }
      const heard = await hear(job, (count) => (done = Math.max(done, count)));
      if (heard === 'end') return;
      if (heard === 'something') pause_s = FIRST_PAUSE_S;
      else if (heard === 'broken') await sleep(FIRST_PAUSE_S * 1000, signal);
    }
  }

  /**
   * One stream of events, until it ends, breaks or falls silent.
   *
   * @param {Job} job as it was just read: events go on from there, and do not repeat its outline
   * @param {(done: number) => void} onDone number of blocks done
   * @returns {Promise<'end' | 'something' | 'silent' | 'broken'>}
   */
  function hear(job, onDone) {
    return new Promise((resolve) => {
      let something = false;
      /** @type {ReturnType<typeof setTimeout>} */
      let silence;
      /** @param {'end' | 'something' | 'silent' | 'broken'} how */
      const leave = (how) => {
        clearTimeout(silence);
        close();
        resolve(how);
      };
      const alive = () => {
        something = true;
        clearTimeout(silence);
        silence = setTimeout(() => leave('something'), SILENCE_MS);
      };
      const close = service.listen(id, job.last_event, {
        onStatus(told) {
          alive();
          const now = { ...told, aoi: job.aoi };
          onStatus(now);
          if (isFinal(now)) leave('end');
        },
        onBlock({ bbox, done }) {
          alive();
          onDone(done);
          onBlocks(bbox);
        },
        onBroken: () => leave('broken'),
      });
      silence = setTimeout(() => leave(something ? 'something' : 'silent'), SILENCE_MS);
      signal.addEventListener('abort', () => leave('end'), { once: true });
    });
  }

  run();
  return () => stopped.abort();
}
