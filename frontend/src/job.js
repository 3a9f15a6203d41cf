/** A job from here: asking for it once, and following it to its end through whatever the network does. */
import * as api from './api.js';
import { sleep } from './sleep.js';

/** @typedef {import('./api.js').Job} Job */

const MEMORY = 'cosia.request';
const FINAL = new Set(['successful', 'failed', 'dismissed']);

// A stream may stay open and carry nothing (a buffering proxy): after so long, ask.
const SILENCE_MS = 15_000;
const FIRST_PAUSE_S = 5;
const LONGEST_PAUSE_S = 60;

/** Whether nothing more will happen to a job. @param {Job} job */
export function isFinal({ status }) {
  return FINAL.has(status);
}

/**
 * Asks for a prediction. The key is kept until the answer is here, so that a double click, a reload while sending or a
 * lost answer never make a second job of the same request.
 *
 * @param {import('./api.js').Inputs} inputs
 * @param {AbortSignal} signal
 * @returns {Promise<Job>}
 */
export async function submit(inputs, signal) {
  const body = JSON.stringify(inputs);
  const key = pendingKey(body) ?? newKey();
  rememberRequest({ key, body });
  const job = await api.execute(inputs, key, signal);
  rememberRequest(null);
  return job;
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

function newKey() {
  // Not randomUUID: it exists on secure origins only, and a service may be opened by its address on a local network.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The key of the same request, if its answer never came. @param {string} body @returns {string | null} */
function pendingKey(body) {
  try {
    const pending = JSON.parse(sessionStorage.getItem(MEMORY) ?? 'null');
    return pending?.body === body ? pending.key : null;
  } catch {
    return null;
  }
}

/** @param {{key: string, body: string} | null} pending */
function rememberRequest(pending) {
  try {
    if (pending) sessionStorage.setItem(MEMORY, JSON.stringify(pending));
    else sessionStorage.removeItem(MEMORY);
  } catch {
    // storage forbidden by the visitor's settings: the launch button, disabled while sending, is the guard left
  }
}
