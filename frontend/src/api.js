/**
 * The service as the page sees it: the only caller of fetch and EventSource.
 *
 * Nothing is retried here: whoever asks decides, and shows it. What the service says is asked for in the page's language.
 */
import { language } from './i18n.js';

/** @typedef {{type: 'Polygon' | 'MultiPolygon', coordinates: any[]}} Zone lon, lat in degrees */
/**
 * @typedef {{value: number, code: string, title_fr: string, title_en: string, colour: string, colour_blind?: string | null,
 *   family: string, definition_fr: string, definition_en: string}} LandCoverClass
 */
/** @typedef {{id: string, title_fr: string, title_en: string, colour: string, colour_blind: string}} Family */
/**
 * What a layer has at a place: value is 0 for nodata and null where it cannot be read; confidence is 0-1.
 *
 * @typedef {{layer: string, title: string, vintage: number | null, value: number | null, title_fr: string | null,
 *   title_en: string | null, confidence: number | null}} PointEntry
 */
/** @typedef {{classes: LandCoverClass[], families: Family[]}} Legend */
/** @typedef {{rel: string, href: string, title?: string, templated?: boolean}} Link */
/**
 * page: its public address, and the map alone with the sites that may frame it.
 *
 * @typedef {{title: string, limits: {aoi_km2: number, aoi_vertices: number},
 *   page: {href: string, embed: {href: string, sites: string[]}}}} Landing
 */
/**
 * @typedef {{id: string, title: string, description?: string, links?: Link[], extent: {spatial: {bbox: number[][]}},
 *   'cosia:vintage'?: number, 'cosia:imagery'?: string | null, 'cosia:model'?: string | null,
 *   'cosia:demonstration'?: boolean, 'cosia:styles'?: string[], 'cosia:resolution_m'?: number, 'cosia:version'?: string,
 *   'cosia:nomenclature'?: string,
 *   'cosia:quality'?: Quality | null, attribution?: string}} Collection
 */
/**
 * @typedef {{geometry: {coordinates: [number, number]}, bbox?: number[], properties: {name: string, context: string, zoom: number,
 *   source: string}}} Place
 * lon, lat; west, south, east, north in degrees
 */
/**
 * complete: false where a source that was asked has not answered.
 *
 * @typedef {{features: Place[], complete: boolean,
 *   sources: {id: string, state: 'answered' | 'late' | 'unavailable' | 'unasked', attribution: string}[]}} FoundPlaces
 */
/** @typedef {{overall_accuracy: number | null, mean_iou: number | null}} Quality shares of 1 */
/**
 * One value an input may take; bbox is west, south, east, north in degrees.
 *
 * Of imagery `cosia:bands` and `cosia:extraInputs` are what it has, of a model what it needs. `cosia:default`: an output that is
 * written unasked; `cosia:compares`: one that is there only with a comparison. `cosia:passes`: looks at each patch.
 *
 * @typedef {{value: string, title: string, description?: string, 'cosia:bbox'?: number[], 'cosia:year'?: number,
 *   'cosia:epsg'?: number, 'cosia:resolution_m'?: number, 'cosia:bands'?: string[], 'cosia:extraInputs'?: string[],
 *   'cosia:attribution'?: string, 'cosia:nomenclature'?: string, 'cosia:training'?: string, 'cosia:weaknesses'?: string[],
 *   'cosia:scores'?: Score[], 'cosia:licence'?: string, 'cosia:sources'?: string[],
 *   'cosia:french'?: {title: string, description?: string | null, training?: string, weaknesses?: string[]} | null,
 *   'cosia:default'?: boolean, 'cosia:compares'?: boolean, 'cosia:passes'?: number}} Choice
 */
/**
 * Figures of a model on one test set; shares of 1.
 *
 * @typedef {{test_set: string, test_set_fr: string | null, source: string, overall_accuracy: number | null,
 *   mean_iou: number | null}} Score
 */
/** @typedef {{layer: string} | {source: string}} Comparison */
/** @typedef {{schema: {default?: string}, 'cosia:choices': Choice[]}} ChoiceInput */
/**
 * @typedef {object} ProcessInputs
 * @property {ChoiceInput} source
 * @property {ChoiceInput} model
 * @property {{schema: {maxItems: number}}} ensemble
 * @property {{'cosia:choices': Choice[]}} augmentation
 * @property {{'cosia:choices': Choice[]}} outputs
 * @property {{schema: {maximum: number}}} minimum_area_m2
 * @property {{'cosia:choices': {value: Comparison, title: string, 'cosia:nomenclature'?: string}[]}} compare
 */
/** @typedef {{inputs: ProcessInputs}} ProcessDescription */
/** @typedef {{tiles: string[], minzoom?: number, maxzoom?: number, bounds?: number[]}} TileJson */
/**
 * @typedef {{summary?: string, description?: string, tags?: string[],
 *   parameters?: {name: string, in: string, required?: boolean, description?: string, schema?: {type?: string}}[],
 *   responses?: Record<string, {description: string}>}} Operation
 */
/** @typedef {{info: {title: string, version: string, description?: string}, paths: Record<string, Record<string, Operation>>}} OpenApi */
/** @typedef {{aoi: Zone, source: string, model: string} & Partial<JobInputs> & {outputs?: string[]}} Inputs */
/**
 * @typedef {{gaps: boolean, language: string, minimum_area_m2: number, compare: Comparison | null, ensemble: string[],
 *   augmentation: string}} JobInputs
 */
/** @typedef {{limit: number | null, used: number, left: number | null, left_after?: number | null}} Quota */
/**
 * What inputs would cost. Refused ones are measured all the same: `would_be_refused` is the answer to an execution.
 *
 * @typedef {object} Estimate
 * @property {number} area_m2
 * @property {number | null} coverage share of the zone with imagery, 0-1
 * @property {number} limit_km2
 * @property {{total: number, ready: number} | null} blocks
 * @property {number} [workers]
 * @property {{jobs_ahead: number, blocks_ahead: number}} [queue]
 * @property {number | null} seconds
 * @property {{passes: number, factor: number, measured: boolean}} [price] time of a block over that of the model alone
 * @property {{active_jobs: Quota, km2_per_day: Quota}} quota
 * @property {{type: string, status: number, detail: string, retry_after_s: number | null} | null} would_be_refused
 */
/**
 * @typedef {object} Job
 * @property {string} jobID
 * @property {string} processID
 * @property {'accepted' | 'running' | 'successful' | 'failed' | 'dismissed'} status
 * @property {string} [message]
 * @property {string} [postponed] why nothing happens for the moment
 * @property {number} progress 0-100
 * @property {number} last_event number of the latest event that this tells of
 * @property {boolean} read_only seen by its permalink
 * @property {string} [expired] when its results were removed
 * @property {number} [coverage] share of the zone with imagery, 0-1
 * @property {number} [workers] at work on such jobs
 * @property {{rel: string, href: string}[]} links
 * @property {string} source
 * @property {string} model
 * @property {JobInputs} [inputs]
 * @property {string[]} [outputs]
 * @property {number} area_m2
 * @property {Zone} aoi
 * @property {number[]} bbox west, south, east, north
 * @property {{total: number, done: number, failed: number, reused: number}} blocks
 * @property {number} [queue_position] jobs ahead of it
 * @property {number} [seconds_left]
 */
/** @typedef {{bbox: number[], done: number, total: number}} BlockDone */
/** @typedef {Record<string, {href: string, type: string, title: string, title_fr?: string}>} Results */
/** @typedef {Pick<LandCoverClass, 'value' | 'code' | 'title_fr' | 'title_en' | 'colour'> & {area_m2: number, share: number}} ClassArea */
/** @typedef {{area_m2: number, classes: ClassArea[]}} Areas */
/**
 * What a polygon holds of a layer: asked_m2 is all of it, area_m2 what has a class.
 *
 * @typedef {Areas & {layer: string, asked_m2: number, nodata_m2: number, outside_m2: number, resolution_m: number}} MeasuredAreas
 */
/** @typedef {{layer: string, title: string, vintage: number | null, model: string | null}} ChangeSide one of two layers */
/**
 * @typedef {Pick<LandCoverClass, 'value' | 'code' | 'title_fr' | 'title_en' | 'colour'>
 *   & {from_m2: number, to_m2: number, gained_m2: number, lost_m2: number}} ClassBalance
 */
/**
 * What changed in a polygon: areas per pair of classes, unchanged ones included, where both layers have a class.
 *
 * @typedef {{from: ChangeSide, to: ChangeSide, asked_m2: number, compared_m2: number, changed_m2: number,
 *   changed_on_borders_share: number | null, resolution_m: number, classes: ClassBalance[],
 *   transitions: {from: number, to: number, area_m2: number}[]}} Changes
 */
/** @typedef {{jobID: string, status: Job['status'], progress?: number, message?: string}} Counting a job that counts */

// Not the page's own address: the API's documentation lies deeper.
const ROOT = new URL('/', window.location.href);
const TIMEOUT_MS = 30_000;
const PROCESS_ID = 'predict-land-cover';
const PROCESS = `api/processes/${PROCESS_ID}`;

/** What went wrong, in the server's own words where it answered (application/problem+json, RFC 9457). */
export class ApiError extends Error {
  /**
   * @param {object} problem
   * @param {string} problem.detail sentence for people; empty if the server gave none
   * @param {number} problem.status 0 when there was no answer
   * @param {string} problem.type
   * @param {string} [problem.parameter] the input at fault
   * @param {number | null} [problem.retryAfter_s]
   */
  constructor({ detail, status, type, parameter = '', retryAfter_s = null }) {
    super(detail || type);
    this.name = 'ApiError';
    this.detail = detail;
    this.status = status;
    this.type = type;
    this.parameter = parameter;
    this.retryAfter_s = retryAfter_s;
  }
}

/**
 * The same resource on the page's own origin: links carry the service's public address, which need not be the one this
 * page was opened at, and the content security policy knows only the latter. No other scheme comes through.
 *
 * @param {string} href absolute, or relative to the page
 */
export function ownAddress(href) {
  const path = href.replace(/^(https?:)?\/\/[^/]+/i, '');
  return /^[a-z][\w+.-]*:/i.test(path) ? `./${path}` : path;
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} an answer of the 200s, or 304 where that was asked for
 * @throws {ApiError} for any other answer, or none; the signal's reason if it was aborted
 */
async function request(path, options = {}) {
  const headers = { 'Accept-Language': language(), ...options.headers };
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response;
  try {
    response = await fetch(new URL(path, ROOT), { ...options, headers, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError({ detail: '', status: 0, type: 'no-answer' });
  }
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  return response;
}

/** @param {Response} response */
async function problemOf(response) {
  /** @type {Record<string, unknown>} */
  let body = {};
  if (/json/.test(response.headers.get('Content-Type') ?? '')) {
    body = await response.json().catch(() => ({}));
  }
  const text = (/** @type {unknown} */ value) => (typeof value === 'string' ? value : '');
  return new ApiError({
    detail: text(body.detail) || text(body.title),
    status: response.status,
    type: text(body.type) || 'about:blank',
    parameter: text(body.parameter),
    retryAfter_s: Number.parseInt(response.headers.get('Retry-After') ?? '', 10) || null,
  });
}

/**
 * @template T
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function read(path, signal) {
  return (await request(path, { signal, headers: { Accept: 'application/json' } })).json();
}

/**
 * @template T
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<T>}
 */
async function post(path, body, signal, headers = {}) {
  const response = await request(path, {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** @param {string} id */
const segment = (id) => encodeURIComponent(id);

/** @param {AbortSignal} [signal] @returns {Promise<Landing>} */
export const getLanding = (signal) => read('api', signal);

/** @param {AbortSignal} [signal] @returns {Promise<OpenApi>} */
export const getOpenApi = (signal) => read('api/openapi.json', signal);

/** @param {AbortSignal} [signal] @returns {Promise<{collections: Collection[]}>} */
export const getCollections = (signal) => read('api/collections', signal);

/** @param {AbortSignal} [signal] @returns {Promise<ProcessDescription>} */
export const getProcess = (signal) => read(PROCESS, signal);

/** @param {string} layer @param {AbortSignal} [signal] @returns {Promise<Legend>} */
export const getLegend = (layer, signal) => read(`api/collections/${segment(layer)}/legend.json`, signal);

/** What every layer has at a place, the newest first. @param {number} lon @param {number} lat @param {AbortSignal} signal */
export async function getPoint(lon, lat, signal) {
  const answer = /** @type {{layers: PointEntry[]}} */ (await read(`api/point?lon=${lon.toFixed(7)}&lat=${lat.toFixed(7)}`, signal));
  return answer.layers;
}

/** Places of that name, the best first. @param {string} text @param {AbortSignal} signal @returns {Promise<FoundPlaces>} */
export const getPlaces = (text, signal) => read(`api/places?q=${segment(text)}&lang=${language()}`, signal);

/** @param {string} href @param {AbortSignal} [signal] @returns {Promise<TileJson>} */
export const getTileJson = (href, signal) => read(ownAddress(href), signal);

/** @param {string} layer */
export const tileJsonAddress = (layer) => `tiles/${segment(layer)}/tilejson.json`;

/** @param {string} layer @param {string} language */
export const qualityPage = (layer, language) => `api/collections/${segment(layer)}/quality.html?lang=${language}`;

/** Tiles whose values are classes, or the confidence in them. @param {string} template @param {import('./look.js').Style} style */
export const styledTemplate = (template, style) =>
  style === 'classes' ? template : `${template}${template.includes('?') ? '&' : '?'}style=${style}`;

/** A job's tiles show what is predicted so far, and in the end its result. @param {string} id */
export const previewTileJsonAddress = (id) => `api/jobs/${segment(id)}/tiles/tilejson.json`;

/** @param {string} source @param {'natural' | 'infrared'} style */
export const imageryTemplate = (source, style) =>
  `imagery/${segment(source)}/{z}/{x}/{y}.jpg${style === 'infrared' ? '?style=infrared' : ''}`;

/**
 * One tile, or null where the service has nothing to show (204).
 *
 * @param {string} template with {z}, {x}, {y}
 * @param {number} z
 * @param {number} x
 * @param {number} y
 * @param {AbortSignal} signal
 * @param {number} [version] busts caches when not 0
 * @returns {Promise<Blob | null>}
 */
export async function getTile(template, z, x, y, signal, version = 0) {
  let path = ownAddress(template).replace('{z}', String(z)).replace('{x}', String(x)).replace('{y}', String(y));
  if (version > 0) path += `${path.includes('?') ? '&' : '?'}v=${version}`;
  const response = await request(path, { signal });
  return response.status === 204 ? null : response.blob();
}

/** @param {Inputs} inputs @param {AbortSignal} [signal] @returns {Promise<Estimate>} */
export const estimate = (inputs, signal) => post(`${PROCESS}/estimate`, { inputs }, signal);

/**
 * Asks for a prediction. The same key with the same inputs gives the same job, however often it is sent.
 *
 * @param {Inputs} inputs
 * @param {string} key
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job>}
 */
export const execute = (inputs, key, signal) =>
  post(`${PROCESS}/execution`, { inputs }, signal, { 'Idempotency-Key': key, Prefer: 'respond-async' });

/** The jobs asked for, and the tags they came with, the latest last. @type {Map<string, {tag: string, job: Job}>} */
const known = new Map();
const MOST_KNOWN = 60;

/**
 * A prediction. Jobs of other processes have no blocks and no picture: to the page they are not there. Asked for again,
 * it is sent only if it has changed.
 *
 * @param {string} id @param {AbortSignal} [signal] @returns {Promise<Job>}
 */
export async function getJob(id, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  const before = known.get(id);
  if (before) headers['If-None-Match'] = before.tag;
  // `no-store`: the browser's own cache would answer the question with its copy, and hide the 304.
  const response = await request(`api/jobs/${segment(id)}`, { signal, headers, cache: 'no-store' });
  if (response.status === 304 && before) return before.job;
  const job = /** @type {Job} */ (await response.json());
  const tag = response.headers.get('ETag');
  known.delete(id);
  if (tag) known.set(id, { tag, job });
  for (const oldest of [...known.keys()].slice(0, -MOST_KNOWN)) known.delete(oldest);
  if (job.processID === PROCESS_ID) return job;
  throw new ApiError({ detail: '', status: 404, type: 'not-a-prediction' });
}

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Results>} */
export const getResults = (id, signal) => read(`api/jobs/${segment(id)}/results`, signal);

/** @param {string} href @param {AbortSignal} [signal] @returns {Promise<Areas>} */
export const getAreas = (href, signal) => read(ownAddress(href), signal);

/** Areas of a layer's classes in a polygon, or the job that will have them. @param {string} layer @param {Zone} zone @param {AbortSignal} signal @returns {Promise<MeasuredAreas | Counting>} */
export const measureAreas = (layer, zone, signal) => post(`api/collections/${segment(layer)}/areas`, zone, signal);

/** What changed from a layer to another in a polygon. @param {string} from @param {string} to @param {Zone} zone @param {AbortSignal} signal @returns {Promise<Changes | Counting>} */
export const compareLayers = (from, to, zone, signal) =>
  post(`api/collections/${segment(from)}/changes?to=${segment(to)}`, zone, signal);

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Counting>} */
export const getCounting = (id, signal) => read(`api/jobs/${segment(id)}`, signal);

/** What a job has counted. @template T @param {string} href @param {AbortSignal} signal @returns {Promise<T>} */
export const getFigures = (href, signal) => read(ownAddress(href), signal);

/** Asks that a job be stopped. @param {string} id @param {AbortSignal} [signal] */
export async function dismiss(id, signal) {
  await request(`api/jobs/${segment(id)}`, { method: 'DELETE', signal });
}

/**
 * Listens to a job's events until `close` is called. EventSource's own reconnection is not used: it knows no back-off.
 *
 * @param {string} id
 * @param {number} after number of the last event known
 * @param {object} listeners
 * @param {(job: Omit<Job, 'aoi'>) => void} listeners.onStatus
 * @param {(block: BlockDone) => void} listeners.onBlock
 * @param {() => void} listeners.onBroken called once, when the stream ends or never starts
 * @returns {() => void} close
 */
export function listen(id, after, { onStatus, onBlock, onBroken }) {
  // In the address, because an EventSource sends no header of ours.
  const stream = new EventSource(new URL(`api/jobs/${segment(id)}/events?after=${after}&lang=${language()}`, ROOT));
  stream.addEventListener('status', (event) => onStatus(JSON.parse(event.data)));
  stream.addEventListener('block', (event) => onBlock(JSON.parse(event.data)));
  stream.addEventListener('error', () => {
    stream.close();
    onBroken();
  });
  return () => stream.close();
}
