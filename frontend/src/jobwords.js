/** A prediction in words: how far it is, what keeps it, what one should know of it. */
import { percentText } from './estimate.js';
import { durationText, number, t } from './i18n.js';

/** @typedef {import('./api.js').Job} Job */

/** How far it is, and what keeps it. @param {Job} job */
export function progressText({ status, postponed, blocks, workers, seconds_left, queue_position }) {
  const parts = [t('blocks', { done: number(blocks.done), total: number(blocks.total) })];
  if (status === 'accepted' && queue_position !== undefined) {
    parts.push(queue_position ? t('queue', { n: number(queue_position) }) : t('queueNext'));
  }
  if (postponed) parts.push(t('postponed', { reason: postponed }));
  else if (workers === 0) parts.push(t('noWorker'));
  else if (blocks.done + blocks.failed === blocks.total) parts.push(t('writingResults'));
  else if (seconds_left) parts.push(t('timeLeft', { duration: durationText(seconds_left) }));
  return parts.join(' · ');
}

/** What one should know of it besides. @param {Job} job */
export function notesText({ read_only, expired, coverage, blocks }) {
  const sentences = [];
  if (read_only) sentences.push(t('sharedJob'));
  if (expired) sentences.push(t('expiredJob'));
  if (coverage !== undefined && coverage < 1) sentences.push(t('partialCoverage', { percent: percentText(coverage) }));
  if (blocks.failed) sentences.push(t('gaps', { n: number(blocks.failed) }));
  return sentences.join(' ');
}
