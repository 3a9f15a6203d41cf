/** The predictions asked for in this browser, newest first. The list is kept here alone: the service is not told of it. */
import { isFinal } from './job.js';

/** @typedef {import('./api.js').Job} Job */

/**
 * @typedef {object} Request
 * @property {string} id under which it is asked for
 * @property {string} permalink under which anybody may look at it
 * @property {string} key idempotency key it was sent with
 * @property {string} print fingerprint of what was asked
 * @property {number} at ms since 1970, when it was asked
 * @property {number} area_m2
 * @property {string} source
 * @property {string} model
 * @property {Job['status'] | 'gone'} status as last told
 * @property {number} progress 0-100
 * @property {boolean} expired whether its results were removed
 * @property {number} told_at ms since 1970, when that was
 */

/** @typedef {ReturnType<typeof createHistory>} History */

const MEMORY = 'cosia.requests';
const MOST = 50;

/**
 * @param {() => Pick<Storage, 'getItem' | 'setItem'>} [storage] which may be forbidden: then to name it is an error
 */
export function createHistory(storage = () => localStorage) {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {Request[]} what is known where nothing can be kept */
  let kept = [];

  /** Read anew each time: another tab may have changed it. @returns {Request[]} */
  function list() {
    try {
      const read = JSON.parse(storage().getItem(MEMORY) ?? 'null');
      if (Array.isArray(read)) kept = read.filter(isRequest);
    } catch {
      // storage forbidden or full of something else: the list lasts as long as the page
    }
    return kept;
  }

  /** @param {Request[]} next */
  function keep(next) {
    kept = next.slice(0, MOST);
    try {
      storage().setItem(MEMORY, JSON.stringify(kept));
    } catch {
      // as above
    }
    changed();
  }

  function changed() {
    for (const listener of listeners) listener();
  }

  /** @param {string} id @param {Partial<Request>} patch */
  function update(id, patch) {
    const requests = list();
    if (requests.some((request) => request.id === id)) keep(requests.map((each) => (each.id === id ? { ...each, ...patch } : each)));
  }

  // Told to the other tabs, not to the one that wrote.
  window.addEventListener('storage', ({ key }) => {
    if (key === MEMORY || key === null) changed();
  });

  return {
    list,

    /** @param {Job} job @param {{key: string, print: string}} sent */
    add(job, { key, print }) {
      const request = { id: job.jobID, permalink: permalinkOf(job), key, print, at: Date.now(), ...standing(job) };
      keep([request, ...list().filter(({ id }) => id !== request.id)]);
    },

    /** How a prediction stands, if it is one of these. @param {Job} job */
    record(job) {
      update(job.jobID, standing(job));
    },

    /**
     * The service knows none of this id, or not for this visitor any more: a device that changed its network may still
     * look at what it asked for. Gives the identifier to go on with, or null.
     *
     * @param {string} id
     */
    lost(id) {
      const permalink = list().find((request) => request.id === id)?.permalink;
      const other = permalink && permalink !== id ? permalink : null;
      update(id, other ? { id: other } : { status: 'gone', told_at: Date.now() });
      return other;
    },

    /** The request of that fingerprint of which a job is under way. @param {string} print */
    underWay: (print) => list().find((request) => request.print === print && isUnderWay(request)),

    /** @param {string} id */
    forget(id) {
      keep(list().filter((request) => request.id !== id));
    },

    /** @param {() => void} listener called after each change, whichever tab made it */
    onChange(listener) {
      listeners.add(listener);
    },
  };
}

/** Whether something may still happen to it. @param {Pick<Request, 'status'>} request */
export const isUnderWay = ({ status }) => status !== 'gone' && !isFinal({ status });

/** The identifier under which anybody may look at a job. @param {Pick<Job, 'jobID' | 'links'>} job */
export function permalinkOf({ jobID, links }) {
  const address = links.find(({ rel }) => rel === 'bookmark')?.href ?? jobID;
  return address.slice(address.lastIndexOf('/') + 1);
}

/** @param {Job} job */
function standing({ area_m2, source, model, status, progress, expired }) {
  return { area_m2, source, model, status, progress, expired: expired !== undefined, told_at: Date.now() };
}

/** @param {any} value @returns {value is Request} */
const isRequest = (value) => typeof value?.id === 'string' && typeof value.status === 'string' && Number.isFinite(value.at);
