/** How the predictions stand that are not looked at: asked one after the other, politely, without a stream for each. */
import * as api from './api.js';
import { isFinal } from './job.js';
import { isUnderWay } from './history.js';

/** @typedef {import('./history.js').Request} Request */

// One question in so long for all of them together.
const PERIOD_MS = 5_000;
const LONGEST_PERIOD_MS = 60_000;

/**
 * @param {import('./history.js').History} history
 * @param {object} options
 * @param {() => string | null} options.lookedAt the one that is followed by its events
 * @param {() => boolean} options.isListShown then those that ended are asked for too, once: their results may have gone
 * @param {(job: import('./api.js').Job) => void} options.onEnd
 * @param {Pick<typeof api, 'getJob'>} [service]
 * @returns {() => void} stop
 */
export function watch(history, { lookedAt, isListShown, onEnd }, service = api) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const since = Date.now();
  let period_ms = PERIOD_MS;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  /** The one that was told of the longest ago, by any tab. */
  function next() {
    const now = Date.now();
    return history
      .list()
      .filter((request) => request.id !== lookedAt())
      .filter((request) => (isUnderWay(request) ? now - request.told_at >= PERIOD_MS : isListShown() && isDoubtful(request)))
      .toSorted((a, b) => Number(isUnderWay(b)) - Number(isUnderWay(a)) || a.told_at - b.told_at)
      .at(0);
  }

  /** Whether what is known of one that ended is from before this page was opened. @param {Request} request */
  const isDoubtful = ({ status, expired, told_at }) => status === 'successful' && !expired && told_at < since;

  /** @param {Request} request */
  async function ask(request) {
    try {
      const job = await service.getJob(request.id, signal);
      history.record(job);
      if (isUnderWay(request) && isFinal(job)) onEnd(job);
      period_ms = PERIOD_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof api.ApiError && [404, 410, 422].includes(error.status)) {
        history.lost(request.id);
        return;
      }
      const asked_ms = error instanceof api.ApiError ? 1000 * (error.retryAfter_s ?? 0) : 0;
      period_ms = Math.max(asked_ms, Math.min(2 * period_ms, LONGEST_PERIOD_MS));
    }
  }

  async function look() {
    const request = next();
    if (request) await ask(request);
    if (!signal.aborted) timer = setTimeout(look, period_ms);
  }

  timer = setTimeout(look, PERIOD_MS);
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}
