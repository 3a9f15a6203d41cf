/** What a link restores: the view, the layers, their look, the zone, the open tab and job. It lives in the hash of the address. */

import { LOOKS } from './look.js';

/** @typedef {'natural' | 'infrared' | 'none'} Background */
/** @typedef {'map' | 'zone' | 'predict' | 'share'} Tab */

/**
 * @typedef {object} State
 * @property {{lon: number, lat: number, zoom: number} | null} view null: fit the layer
 * @property {string | null} layer null: the newest
 * @property {number} opacity of the land cover, 0-100
 * @property {Background} background
 * @property {string | null} imagery source of the background; null: the one the layer was predicted from
 * @property {string | null} compare what is right of the divider: `layer:`, `natural:` or `infrared:` and an identifier
 * @property {number} swipe place of the divider in percent of the map's width
 * @property {import('./look.js').Look} look
 * @property {boolean} families whether classes are shown by family
 * @property {number[]} hidden values of the classes not drawn, increasing
 * @property {'view' | 'zone'} shares what the legend's shares are of
 * @property {string | null} zone the zone as `zonelink.js` writes it; null for none, and for one too large for a link
 * @property {string | null} changes the two layers compared, and what of it the map shows: see measure/changechoice.js
 * @property {Tab} tab
 * @property {string | null} job
 * @property {number} jobOpacity of its prediction, 0-100
 */

/** @type {Readonly<State>} */
export const INITIAL = {
  view: null,
  layer: null,
  opacity: 65,
  background: 'natural',
  imagery: null,
  compare: null,
  swipe: 50,
  look: 'official',
  families: false,
  hidden: [],
  shares: 'view',
  zone: null,
  changes: null,
  tab: 'map',
  job: null,
  jobOpacity: 85,
};

/** In the order of the page. @type {readonly Tab[]} */
export const TABS = ['map', 'zone', 'predict', 'share'];
const BACKGROUNDS = ['natural', 'infrared', 'none'];
const IDENTIFIER = /^[\w.-]{1,100}$/;
const ZONE = /^[\w.-]{10,1500}$/;
const CHANGES = /^[\w.-]{1,100}\/[\w.-]{1,100}(\/(all|\d{1,3}-\d{1,3}))?$/;
const COMPARED = /^(layer|natural|infrared):[\w.-]{1,100}$/;

/**
 * The state a hash describes; what is missing or senseless takes its initial value.
 *
 * @param {string} hash with or without its leading #
 * @returns {State}
 */
export function parseHash(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const background = fields.get('background') ?? '';
  return {
    view: parseView(fields.get('view')),
    layer: parseIdentifier(fields.get('layer')),
    opacity: parseNumber(fields.get('opacity'), 0, 100) ?? INITIAL.opacity,
    background: BACKGROUNDS.includes(background) ? /** @type {Background} */ (background) : INITIAL.background,
    imagery: parseIdentifier(fields.get('imagery')),
    compare: parseIdentifier(fields.get('compare'), COMPARED),
    swipe: Math.round(parseNumber(fields.get('swipe'), 0, 100) ?? INITIAL.swipe),
    look: LOOKS.find((look) => look === fields.get('look')) ?? INITIAL.look,
    families: fields.get('families') === 'yes',
    hidden: parseValues(fields.get('hidden')),
    shares: fields.get('shares') === 'zone' ? 'zone' : 'view',
    zone: parseIdentifier(fields.get('zone'), ZONE),
    changes: parseIdentifier(fields.get('changes'), CHANGES),
    tab: TABS.find((tab) => tab === fields.get('tab')) ?? INITIAL.tab,
    job: parseIdentifier(fields.get('job')),
    jobOpacity: parseNumber(fields.get('job-opacity'), 0, 100) ?? INITIAL.jobOpacity,
  };
}

/**
 * The hash of a state, with its leading #; initial values are left out.
 *
 * @param {State} state
 */
export function formatHash(state) {
  const fields = new URLSearchParams();
  const { view } = state;
  if (view) fields.set('view', `${view.zoom.toFixed(2)}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`);
  if (state.layer !== null) fields.set('layer', state.layer);
  if (state.opacity !== INITIAL.opacity) fields.set('opacity', String(state.opacity));
  if (state.background !== INITIAL.background) fields.set('background', state.background);
  if (state.imagery !== null) fields.set('imagery', state.imagery);
  if (state.compare !== null) fields.set('compare', state.compare);
  if (state.swipe !== INITIAL.swipe) fields.set('swipe', String(state.swipe));
  if (state.look !== INITIAL.look) fields.set('look', state.look);
  if (state.families) fields.set('families', 'yes');
  if (state.hidden.length > 0) fields.set('hidden', state.hidden.join('.'));
  if (state.shares !== INITIAL.shares) fields.set('shares', state.shares);
  if (state.zone !== null) fields.set('zone', state.zone);
  if (state.changes !== null) fields.set('changes', state.changes);
  if (state.tab !== INITIAL.tab) fields.set('tab', state.tab);
  if (state.job !== null) fields.set('job', state.job);
  if (state.jobOpacity !== INITIAL.jobOpacity) fields.set('job-opacity', String(state.jobOpacity));
  return `#${fields.toString().replaceAll('%2F', '/').replaceAll('%3A', ':')}`;
}

/** @param {string | null} text zoom/lat/lon */
function parseView(text) {
  const parts = (text ?? '').split('/');
  if (parts.length !== 3) return null;
  const zoom = parseNumber(parts[0], 0, 24);
  const lat = parseNumber(parts[1], -85, 85);
  const lon = parseNumber(parts[2], -180, 180);
  return zoom === null || lat === null || lon === null ? null : { lon, lat, zoom };
}

/** @param {string | null} text @param {RegExp} form */
function parseIdentifier(text, form = IDENTIFIER) {
  return text !== null && form.test(text) ? text : null;
}

/**
 * @param {string | null} text
 * @param {number} low
 * @param {number} high
 */
function parseNumber(text, low, high) {
  if (text === null || text.trim() === '') return null;
  const value = Number(text);
  return value >= low && value <= high ? value : null;
}

/** @param {string | null} text values joined by dots */
function parseValues(text) {
  const values = (text ?? '').split('.').map((part) => parseNumber(part, 1, 255));
  const whole = values.filter((value) => value !== null && Number.isInteger(value));
  return [...new Set(/** @type {number[]} */ (whole))].sort((a, b) => a - b);
}

/** @typedef {ReturnType<typeof createStore>} Store */

/**
 * The state of this page, kept in step with its address. A change of job makes a step of the browser's history, so that
 * the back button leaves a job; everything else replaces the current step.
 *
 * @param {Window} window
 */
export function createStore(window) {
  let state = parseHash(window.location.hash);
  /** @type {Set<(state: State, before: State) => void>} */
  const listeners = new Set();

  /** @param {State} next */
  function change(next) {
    const before = state;
    state = next;
    for (const listener of listeners) listener(state, before);
  }

  window.addEventListener('hashchange', () => {
    if (window.location.hash !== formatHash(state)) change(parseHash(window.location.hash));
  });

  return {
    get: () => state,

    /** @param {Partial<State>} patch */
    set(patch) {
      const next = { ...state, ...patch };
      const hash = formatHash(next);
      if (next.job !== state.job) window.history.pushState(null, '', hash);
      else if (hash !== formatHash(state)) window.history.replaceState(null, '', hash);
      change(next);
    },

    /**
     * Calls `listener` after each change; gives the function that stops it.
     *
     * @param {(state: State, before: State) => void} listener
     */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
