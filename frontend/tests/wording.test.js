import { expect, test } from 'vitest';

import { ApiError } from '../src/api.js';
import { estimateSentence, percentText, quotaSentence } from '../src/estimate.js';
import { failureText } from '../src/failure.js';
import { setLanguage } from '../src/i18n.js';
import { notesText, progressText } from '../src/jobwords.js';
import { qualityText } from '../src/quality.js';

setLanguage('en');

/** @param {Record<string, unknown>} more @returns {import('../src/api.js').Job} */
const job = (more) =>
  /** @type {any} */ ({ jobID: 'own', status: 'running', blocks: { total: 8, done: 2, failed: 0, reused: 0 }, links: [], ...more });

test.each([
  [{ seconds_left: 40 }, '2 / 8 blocks · 40 s left'],
  [{ status: 'accepted', queue_position: 0 }, '2 / 8 blocks · next in turn'],
  [{ status: 'accepted', queue_position: 3, seconds_left: 200 }, '2 / 8 blocks · predictions ahead: 3 · 3 min left'],
  [{ blocks: { total: 8, done: 7, failed: 1 }, seconds_left: 0 }, '7 / 8 blocks · the results are being written'],
  [{ workers: 0, seconds_left: 40 }, '2 / 8 blocks · no worker is there at the moment; it starts by itself once one is'],
  [{ message: 'postponed: the storage is full', postponed: 'the storage is full', seconds_left: 40 }, '2 / 8 blocks · put off: the storage is full'],
])('progress of %j', (more, words) => {
  expect(progressText(job(more))).toBe(words);
});

test('what is missing or not one’s own is told', () => {
  expect(notesText(job({}))).toBe('');
  expect(notesText(job({ coverage: 1, read_only: false }))).toBe('');
  expect(notesText(job({ coverage: 0.997 }))).toBe('Only 99% of the area has imagery.');
  expect(notesText(job({ blocks: { total: 8, done: 6, failed: 2, reused: 0 } }))).toContain('could not be predicted: 2');
  expect(notesText(job({ read_only: true }))).toContain('Shared with you');
  expect(notesText(job({ expired: '2026-01-01T00:00:00Z' }))).toContain('removed to make room');
});

const QUOTA = { limit: null, used: 0, left: null };

/** @param {Record<string, unknown>} more @returns {import('../src/api.js').Estimate} */
const estimate = (more) =>
  /** @type {any} */ ({
    blocks: { total: 8, ready: 2 },
    seconds: 120,
    coverage: 1,
    workers: 1,
    queue: { jobs_ahead: 0, blocks_ahead: 0 },
    quota: { active_jobs: QUOTA, km2_per_day: QUOTA },
    ...more,
  });

test.each([
  [{}, 'About 2 min for 8 blocks, 2 of them already computed.'],
  [{ queue: { jobs_ahead: 2, blocks_ahead: 9 } }, 'About 2 min for 8 blocks, 2 of them already computed. Predictions ahead: 2.'],
  [{ workers: 0, seconds: null }, '8 blocks, 2 of them already computed. No worker is there at the moment: how long it takes is not known.'],
  [{ blocks: { total: 8, ready: 8 }, queue: { jobs_ahead: 2, blocks_ahead: 9 } }, 'All blocks are already computed: the result is immediate.'],
  [{ coverage: 0.5 }, 'About 2 min for 8 blocks, 2 of them already computed. Only 50% of the area has imagery.'],
  [{ price: { factor: 8.04, passes: 8 } }, 'About 2 min for 8 blocks, 2 of them already computed. The further choices multiply the time by 8.'],
  [{ price: { factor: 1.05, passes: 1 } }, 'About 2 min for 8 blocks, 2 of them already computed.'],
  [{ blocks: null, coverage: null }, ''],
])('estimate of %j', (more, words) => {
  expect(estimateSentence(estimate(more))).toBe(words);
});

test('limits are told where there are some', () => {
  expect(quotaSentence(estimate({}))).toBe('');
  const quota = { active_jobs: { limit: 3, used: 1, left: 2 }, km2_per_day: { limit: 100, used: 40, left: 60 } };
  expect(quotaSentence(estimate({ quota }))).toBe('Today you may still ask for 60 km² of 100 km². Predictions under way: 1 of 3.');
});

test('figures of quality are told in per cent, rounded down, or said to be missing', () => {
  expect(qualityText({ overall_accuracy: 0.99961, mean_iou: 0.7 })).toBe('Overall accuracy 99.9%, mean IoU 70.0%.');
  expect(qualityText({ overall_accuracy: null, mean_iou: null })).toContain('without a figure');
});

test('almost everything is not everything', () => {
  expect(percentText(0.9999)).toBe('99%');
});

test.each(['the queue is full', 'the queue is full.'])('a refusal says when to come back: %s', (detail) => {
  const error = new ApiError({ detail, status: 503, type: 'queue-full', retryAfter_s: 30 });

  expect(failureText(error)).toBe('the queue is full. To be tried again in 30 s.');
});
