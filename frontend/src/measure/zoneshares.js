/** The classes' shares of the zone for the legend, asked for when they are wanted. */
import { failureText } from '../failure.js';

/** @typedef {import('../shares.js').Count} Count */
/** @typedef {import('../api.js').MeasuredAreas} MeasuredAreas */
/** @typedef {{count: Count | null, failure: string}} ZoneShares count: null as long as it is not known */

const ASK_AFTER_MS = 400;

/** @param {(shares: ZoneShares) => void} onShares */
export function createZoneShares(onShares) {
  let known = '';
  let asked = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;

  return {
    /** @param {import('./asking.js').Question<MeasuredAreas> | null} question null: they are not wanted */
    put(question) {
      const key = question?.key ?? '';
      if (key === known) return;
      known = key;
      asked.abort();
      clearTimeout(soon);
      onShares({ count: null, failure: '' });
      if (!question) return;
      asked = new AbortController();
      const { signal } = asked;
      soon = setTimeout(async () => {
        try {
          const figures = await question.ask(signal, () => {});
          if (!signal.aborted) onShares({ count: countOfAreas(figures), failure: '' });
        } catch (error) {
          if (!signal.aborted) onShares({ count: null, failure: failureText(error) });
        }
      }, ASK_AFTER_MS);
    },
  };
}

/** Areas as a count of pixels. @param {MeasuredAreas} figures @returns {Count} */
export function countOfAreas({ classes, area_m2, asked_m2, resolution_m }) {
  const pixel_m2 = resolution_m * resolution_m;
  const counts = new Uint32Array(256);
  for (const one of classes) counts[one.value] = Math.round(one.area_m2 / pixel_m2);
  counts[0] = Math.round(Math.max(0, asked_m2 - area_m2) / pixel_m2);
  return { counts, ground_m: resolution_m, exact: true };
}
