/** What a prediction would take, in sentences. */
import { areaText, durationText, number, t } from './i18n.js';

/** @typedef {import('./api.js').Estimate} Estimate */

// A factor that people would not notice is not told.
const NOTICEABLE = 1.1;

/** Blocks, time, who is ahead, what the choices cost, and what of the zone has no imagery. @param {Estimate} estimate */
export function estimateSentence({ blocks, seconds, workers, queue, coverage, price }) {
  if (!blocks) return '';
  const values = { total: number(blocks.total), ready: number(blocks.ready) };
  const isReady = blocks.total === blocks.ready;
  const sentences = [];
  if (isReady) sentences.push(t('estimateReady'));
  else if (workers === 0) sentences.push(t('estimateUntimed', values), t('estimateNoWorker'));
  else if (seconds === null) sentences.push(t('estimateUntimed', values));
  else sentences.push(t('estimate', { ...values, duration: durationText(seconds) }));
  if (!isReady && queue?.jobs_ahead) sentences.push(t('estimateQueue', { n: number(queue.jobs_ahead) }));
  if (!isReady && price && price.factor >= NOTICEABLE) {
    sentences.push(t('estimatePrice', { factor: number(price.factor, { maximumFractionDigits: 1 }) }));
  }
  if (coverage !== null && coverage < 1) sentences.push(t('partialCoverage', { percent: percentText(coverage) }));
  return sentences.join(' ');
}

/** What one may still ask for; nothing where there is no limit. @param {Estimate} estimate */
export function quotaSentence({ quota }) {
  const { active_jobs: active, km2_per_day: area } = quota;
  const sentences = [];
  if (area.limit !== null) {
    const left = areaText(1e6 * (area.left ?? 0));
    sentences.push(t('quotaArea', { left, limit: areaText(1e6 * area.limit) }));
  }
  if (active.limit !== null) sentences.push(t('quotaActive', { used: number(active.used), limit: number(active.limit) }));
  return sentences.join(' ');
}

/** Rounded down: 99.7 % is not everything. @param {number} share 0-1 */
export function percentText(share) {
  return number(Math.floor(share * 100) / 100, { style: 'percent' });
}
