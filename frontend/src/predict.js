/** Asking for a prediction: zone, imagery and model; what it will cost; the launch. */
import * as api from './api.js';
import { byId, element, say } from './dom.js';
import { failureText } from './failure.js';
import { areaText, durationText, language, number, onLanguage, t } from './i18n.js';
import { submit } from './job.js';

/** @typedef {import('./api.js').Choice} Choice */

const ESTIMATE_DELAY_MS = 250;

/**
 * The source one most likely wants: the newest.
 *
 * @param {readonly Choice[]} sources
 * @param {string | undefined} fallback
 */
export function newestSource(sources, fallback) {
  const year = (/** @type {Choice} */ source) => source['cosia:year'] ?? Number.NEGATIVE_INFINITY;
  const newest = sources.toSorted((a, b) => year(b) - year(a)).at(0);
  return newest && Number.isFinite(year(newest)) ? newest.value : (fallback ?? newest?.value);
}

/**
 * @param {object} options
 * @param {import('./zone.js').ZoneControl} options.zone
 * @param {(source: string) => void} options.onSource imagery chosen: shown on the map
 * @param {(job: import('./api.js').Job) => void} options.onLaunched
 */
export function createPredictForm({ zone, onSource, onLaunched }) {
  const form = byId('ask', HTMLFormElement);
  const source = byId('source', HTMLSelectElement);
  const model = byId('model', HTMLSelectElement);
  const modelNote = byId('model-note', HTMLElement);
  const weaknesses = byId('weaknesses', HTMLElement);
  const weaknessesList = byId('weaknesses-list', HTMLUListElement);
  const estimateText = byId('estimate', HTMLElement);
  const quotaText = byId('quota', HTMLElement);
  const launch = byId('launch', HTMLButtonElement);
  const launchError = byId('launch-error', HTMLElement);
  const slots = {
    source: byId('source-error', HTMLElement),
    model: byId('model-error', HTMLElement),
    launch: launchError,
  };

  /** @type {{sources: Choice[], models: Choice[]}} */
  let choices = { sources: [], models: [] };
  /** @type {import('./api.js').Estimate | null} */
  let estimate = null;
  let estimating = false;
  let launching = false;
  let refused = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} the launch is held back until it fires */
  let heldBack;
  let asked = new AbortController();

  /** @returns {import('./api.js').Inputs | null} */
  function inputs() {
    const aoi = zone.get();
    return aoi && source.value && model.value ? { aoi, source: source.value, model: model.value } : null;
  }

  function clearErrors() {
    refused = false;
    clearTimeout(heldBack);
    heldBack = undefined;
    zone.refuse('');
    for (const slot of Object.values(slots)) say(slot, '');
  }

  /**
   * The message beside the control that caused it.
   *
   * @param {unknown} error
   */
  function showFailure(error) {
    const message = failureText(error);
    if (error instanceof api.ApiError && error.retryAfter_s !== null) holdBack(error.retryAfter_s);
    const { type, parameter } = error instanceof api.ApiError ? error : { type: '', parameter: '' };
    if (parameter === 'aoi' || /aoi-/.test(type)) zone.refuse(message, !/aoi-invalid/.test(type));
    else if (parameter === 'source' || parameter === 'model') say(slots[parameter], message);
    else say(slots.launch, message);
  }

  /**
   * No launch before the service wants to be asked again; then the estimate tells whether it would take it.
   *
   * @param {number} seconds
   */
  function holdBack(seconds) {
    clearTimeout(heldBack);
    heldBack = setTimeout(refreshEstimate, seconds * 1000);
  }

  /** Asks what the present inputs would cost, which also tells whether they are allowed. */
  async function refreshEstimate() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    clearErrors();
    estimate = null;
    const current = inputs();
    estimating = current !== null;
    render();
    if (!current) return;
    await new Promise((resolve) => setTimeout(resolve, ESTIMATE_DELAY_MS));
    if (signal.aborted) return;
    try {
      estimate = await api.estimate(current, signal);
      zone.showMeasured(estimate.area_m2, estimate.limit_km2);
      if (estimate.would_be_refused) {
        const { detail, status, type, retry_after_s } = estimate.would_be_refused;
        refused = true;
        showFailure(new api.ApiError({ detail, status, type, retryAfter_s: retry_after_s }));
      }
    } catch (error) {
      if (signal.aborted) return;
      // Without an answer the launch may still succeed; a refusal will be one there too.
      refused = error instanceof api.ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
      showFailure(error);
    }
    estimating = false;
    render();
  }

  function render() {
    launch.textContent = launching ? t('launching') : t('launch');
    // Not `disabled`: the button stays reachable and says what is missing.
    const held = launching || refused || heldBack !== undefined;
    launch.setAttribute('aria-disabled', String(held || inputs() === null));
    estimateText.textContent = estimating ? t('estimating') : estimate ? estimateSentence(estimate) : '';
    quotaText.textContent = estimate && !estimating ? quotaSentence(estimate) : '';
    const card = choices.models.find((choice) => choice.value === model.value);
    const words = card ? wordsOf(card) : { note: '', weaknesses: [] };
    modelNote.textContent = words.note;
    weaknesses.hidden = words.weaknesses.length === 0;
    weaknessesList.replaceChildren(...words.weaknesses.map((weakness) => element('li', {}, weakness)));
  }

  /** @param {string | undefined} chosen */
  function fillModels(chosen) {
    fillSelect(model, choices.models.map((choice) => ({ ...choice, title: wordsOf(choice).title })), chosen);
  }

  async function send() {
    const current = inputs();
    if (launching || refused || heldBack !== undefined) return;
    if (!current) {
      if (zone.get() === null) zone.refuse(t('drawFirst'));
      return;
    }
    launching = true;
    say(slots.launch, '');
    render();
    try {
      onLaunched(await submit(current, AbortSignal.timeout(30_000)));
    } catch (error) {
      showFailure(error);
    }
    launching = false;
    render();
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  /** Areas are measured in the grid of the imagery. */
  function showGrid() {
    zone.setGrid(choices.sources.find((choice) => choice.value === source.value)?.['cosia:epsg']);
  }

  source.addEventListener('change', () => {
    onSource(source.value);
    showGrid();
    refreshEstimate();
  });
  model.addEventListener('change', refreshEstimate);
  onLanguage(() => {
    fillModels(model.value);
    // What the service says of the zone is asked for anew.
    refreshEstimate();
  });
  render();

  return {
    /** @param {import('./api.js').ProcessDescription} description */
    setProcess({ inputs: { source: sources, model: models } }) {
      choices = { sources: sources['cosia:choices'], models: models['cosia:choices'] };
      fillSelect(source, choices.sources, newestSource(choices.sources, sources.schema.default));
      fillModels(models.schema.default);
      showGrid();
      refreshEstimate();
    },
    source: () => source.value,
    refreshEstimate,
    /** @param {boolean} shown */
    show(shown) {
      form.hidden = !shown;
    },
    /** @param {import('./api.js').Job} job */
    describe(job) {
      const title = (/** @type {Choice[]} */ list, /** @type {string} */ id) => {
        const choice = list.find(({ value }) => value === id);
        return choice ? wordsOf(choice).title : id;
      };
      return `${title(choices.sources, job.source)} · ${title(choices.models, job.model)}`;
    },
  };
}

/**
 * What a choice says of itself, in French where the page and the choice speak it.
 *
 * @param {Choice} choice
 * @returns {{title: string, note: string, weaknesses: readonly string[]}}
 */
export function wordsOf(choice) {
  const french = language() === 'fr' ? choice['cosia:french'] : null;
  if (french) return { title: french.title, note: french.training, weaknesses: french.weaknesses };
  const { title, description = '' } = choice;
  return { title, note: description, weaknesses: choice['cosia:weaknesses'] ?? [] };
}

/**
 * What a prediction will take: blocks, time, who is ahead, and what of the zone has no imagery.
 *
 * @param {import('./api.js').Estimate} estimate
 */
export function estimateSentence({ blocks, seconds, workers, queue, coverage }) {
  if (!blocks) return '';
  const values = { total: number(blocks.total), ready: number(blocks.ready) };
  const sentences = [];
  if (blocks.total === blocks.ready) sentences.push(t('estimateReady'));
  else if (workers === 0) sentences.push(t('estimateUntimed', values), t('estimateNoWorker'));
  else if (seconds === null) sentences.push(t('estimateUntimed', values));
  else sentences.push(t('estimate', { ...values, duration: durationText(seconds) }));
  if (blocks.total > blocks.ready && queue?.jobs_ahead) sentences.push(t('estimateQueue', { n: number(queue.jobs_ahead) }));
  if (coverage !== null && coverage < 1) sentences.push(t('partialCoverage', { percent: percentText(coverage) }));
  return sentences.join(' ');
}

/**
 * What one may still ask for; nothing where there is no limit.
 *
 * @param {import('./api.js').Estimate} estimate
 */
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

/**
 * @param {HTMLSelectElement} select
 * @param {readonly Choice[]} choices
 * @param {string | undefined} chosen
 */
export function fillSelect(select, choices, chosen) {
  select.replaceChildren(
    ...choices.map((choice) =>
      element('option', { value: choice.value, selected: choice.value === chosen }, choice.title),
    ),
  );
}
