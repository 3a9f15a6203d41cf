/** Figures of a polygon, exact at full resolution: given at once, or counted by a job that is followed to its end. */
import * as api from '../api.js';
import { t } from '../i18n.js';
import { sleep } from '../sleep.js';

/** @typedef {import('../api.js').Zone} Zone */
/** @typedef {import('../api.js').Counting} Counting */
/** @typedef {(percent: number) => void} Progress 0-100; told only where a job counts */
/** @typedef {Pick<typeof api, 'getCounting' | 'getResults' | 'getFigures' | 'dismiss'>} Service */

const POLL_S = 2;
// What may pass: no answer, too many requests, not at the moment.
const PASSING = [0, 429, 503];
const MOST_TRIES = 6;

/**
 * Area of each class of a layer. Raises ApiError; given up, it stops a job that was begun.
 *
 * @param {string} layer
 * @param {Zone} zone
 * @param {AbortSignal} signal
 * @param {Progress} [progress]
 * @returns {Promise<api.MeasuredAreas>}
 */
export async function areasOf(layer, zone, signal, progress = () => {}) {
  return figuresOf(await api.measureAreas(layer, zone, signal), 'areas', signal, progress);
}

/**
 * What changed from a layer to another; as `areasOf`.
 *
 * @param {string} from
 * @param {string} to
 * @param {Zone} zone
 * @param {AbortSignal} signal
 * @param {Progress} [progress]
 * @returns {Promise<api.Changes>}
 */
export async function changesOf(from, to, zone, signal, progress = () => {}) {
  return figuresOf(await api.compareLayers(from, to, zone, signal), 'changes', signal, progress);
}

/**
 * @template {object} Figures
 * @param {Figures | Counting} answer figures, or the job that counts them
 * @param {'areas' | 'changes'} output of that job
 * @param {AbortSignal} signal
 * @param {Progress} progress
 * @param {Service} [service]
 * @param {number} [poll_s]
 * @returns {Promise<Figures>}
 */
export async function figuresOf(answer, output, signal, progress, service = api, poll_s = POLL_S) {
  if (!('jobID' in answer)) return answer;
  const { jobID } = answer;
  const stop = () => void service.dismiss(jobID).catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    await finished(answer, signal, progress, service, poll_s);
    const results = await service.getResults(jobID, signal);
    return await service.getFigures(results[output].href, signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * @param {Counting} job
 * @param {AbortSignal} signal
 * @param {Progress} progress
 * @param {Service} service
 * @param {number} poll_s
 */
async function finished(job, signal, progress, service, poll_s) {
  let tries = 0;
  while (job.status !== 'successful') {
    if (job.status !== 'accepted' && job.status !== 'running') {
      throw new api.ApiError({ detail: job.message || t('countingFailed'), status: 0, type: 'counting-failed' });
    }
    progress(job.progress ?? 0);
    await sleep(poll_s * 1000 * 2 ** tries, signal);
    signal.throwIfAborted();
    try {
      job = await service.getCounting(job.jobID, signal);
      tries = 0;
    } catch (error) {
      const passing = error instanceof api.ApiError && PASSING.includes(error.status);
      if (!passing || ++tries >= MOST_TRIES) throw error;
    }
  }
}
