import { expect, test, vi } from 'vitest';

import { ApiError } from '../../src/api.js';
import { figuresOf } from '../../src/measure/counting.js';
import { countOfAreas } from '../../src/measure/zoneshares.js';
import { shareOf, mappedShare } from '../../src/shares.js';

/** @typedef {import('../../src/api.js').Counting} Counting */

const JOB = /** @type {Counting} */ ({ jobID: 'j1', status: 'accepted' });
const FIGURES = { area_m2: 12 };

/** A service whose job has these states, one after the other. @param {(Partial<Counting> | Error)[]} states */
function service(states) {
  return {
    getCounting: vi.fn(async () => {
      const next = states.shift();
      if (next instanceof Error) throw next;
      return { ...JOB, ...next };
    }),
    getResults: vi.fn(async () => ({ areas: { href: '/api/jobs/j1/results/areas', type: 'application/json', title: '' } })),
    getFigures: /** @type {any} */ (vi.fn(async () => FIGURES)),
    dismiss: vi.fn(async () => {}),
  };
}

const silence = () => {};
const { signal } = new AbortController();

test('figures that are given at once are the answer', async () => {
  const asked = service([]);

  expect(await figuresOf(FIGURES, 'areas', signal, silence, asked, 0)).toBe(FIGURES);
  expect(asked.getCounting).not.toHaveBeenCalled();
});

test('a job is followed to its end, its progress told, a lost answer asked for again', async () => {
  const away = new ApiError({ detail: '', status: 0, type: 'no-answer' });
  const asked = service([{ status: 'running', progress: 40 }, away, { status: 'successful' }]);
  const told = /** @type {number[]} */ ([]);

  expect(await figuresOf(JOB, 'areas', signal, (percent) => told.push(percent), asked, 0)).toBe(FIGURES);
  expect(told).toEqual([0, 40, 40]);
  expect(asked.dismiss).not.toHaveBeenCalled();
});

test('a job that fails says why', async () => {
  const asked = service([{ status: 'failed', message: 'the layer was withdrawn' }]);

  await expect(figuresOf(JOB, 'areas', signal, silence, asked, 0)).rejects.toThrow('the layer was withdrawn');
});

test('a refusal ends it, and so does a service that stays away', async () => {
  const gone = new ApiError({ detail: 'no such job', status: 404, type: 'unknown' });
  const away = new ApiError({ detail: 'later', status: 503, type: 'busy' });

  await expect(figuresOf(JOB, 'areas', signal, silence, service([gone]), 0)).rejects.toBe(gone);
  await expect(figuresOf(JOB, 'areas', signal, silence, service(Array(6).fill(away)), 0)).rejects.toBe(away);
});

test('what is given up is stopped at the service too', async () => {
  const given = new AbortController();
  const asked = service([{ status: 'running', progress: 10 }, { status: 'running', progress: 20 }]);

  const answer = figuresOf(JOB, 'areas', given.signal, () => given.abort(), asked, 0);

  await expect(answer).rejects.toThrow();
  expect(asked.dismiss).toHaveBeenCalledWith('j1');
});

test('areas become a count whose shares are theirs', () => {
  const classes = /** @type {any} */ ([{ value: 1, area_m2: 3 }, { value: 9, area_m2: 5 }]);

  const count = countOfAreas({ layer: 'l', classes, area_m2: 8, asked_m2: 10, nodata_m2: 0, outside_m2: 2, resolution_m: 0.2 });

  expect(shareOf(count, [1])).toBe(3 / 8);
  expect(mappedShare(count)).toBeCloseTo(0.8, 12);
  expect(count.exact).toBe(true);
});
