/** Asking for a prediction once, whatever becomes of the answer and in however many tabs it is asked for. */
import { execute } from './api.js';

/** @typedef {import('./api.js').Inputs} Inputs */
/** @typedef {{key: string, print: string, at: number}} Pending */

const MEMORY = 'cosia.request';

// An answer that did not come for so long is not waited for: who asks again wants a new prediction.
const PENDING_MS = 3_600_000;

/**
 * Gives the function that asks. Its key is kept until the answer is here, for all tabs: a double click, a reload while
 * sending, a lost answer or a second tab never make a second job of one request. A request of which a job is under way
 * gives that job.
 *
 * @param {Pick<import('./history.js').History, 'add' | 'underWay'>} history
 * @param {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [storage] which may be forbidden, as in history.js
 */
export function createSubmit(history, storage = () => localStorage) {
  /** @param {Pending | null} pending */
  function keep(pending) {
    try {
      if (pending) storage().setItem(MEMORY, JSON.stringify(pending));
      else storage().removeItem(MEMORY);
    } catch {
      // storage forbidden by the visitor's settings: the launch button, disabled while sending, is the guard left
    }
  }

  /** The key of the same request, if its answer never came. @param {string} print */
  function pendingKey(print) {
    try {
      /** @type {Pending | null} */
      const pending = JSON.parse(storage().getItem(MEMORY) ?? 'null');
      return pending?.print === print && Date.now() - pending.at < PENDING_MS ? pending.key : null;
    } catch {
      return null;
    }
  }

  /** @param {Inputs} inputs @param {AbortSignal} signal */
  return async function submit(inputs, signal) {
    const print = fingerprint(JSON.stringify(inputs));
    const key = history.underWay(print)?.key ?? pendingKey(print) ?? newKey();
    keep({ key, print, at: Date.now() });
    const job = await execute(inputs, key, signal);
    keep(null);
    history.add(job, { key, print });
    return job;
  };
}

function newKey() {
  // Not randomUUID: it exists on secure origins only, and a service may be opened by its address on a local network.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Tells requests apart where an outline of thousands of vertices would fill the storage: its length and FNV-1a
 * (http://www.isthe.com/chongo/tech/comp/fnv/). The service refuses a key that comes with another request.
 *
 * @param {string} text
 */
export function fingerprint(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.length}.${(hash >>> 0).toString(16)}`;
}
