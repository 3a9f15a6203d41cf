/** Asking for a prediction: zone, imagery, model and further choices; what it will cost; the launch. */
import * as api from './api.js';
import { fillModels, fillSelect, lacking, sourceText, wordsOf } from './choices.js';
import { chosenOf, fitted, inputsOf, recalled, remember } from './chosen.js';
import { byId, say } from './dom.js';
import { estimateSentence, quotaSentence } from './estimate.js';
import { failureText } from './failure.js';
import { language, onLanguage, t } from './i18n.js';
import { aboutModel } from './modelcard.js';
import { createOptions } from './options.js';

/** @typedef {import('./api.js').Choice} Choice */
/** @typedef {import('./chosen.js').Chosen} Chosen */

const ESTIMATE_DELAY_MS = 250;

/**
 * @param {object} options
 * @param {import('./zone.js').ZoneControl} options.zone
 * @param {(inputs: import('./api.js').Inputs, signal: AbortSignal) => Promise<import('./api.js').Job>} options.submit
 * @param {import('./card.js').Card['open']} options.openCard
 * @param {(source: string) => void} options.onSource imagery chosen: shown on the map
 * @param {(job: import('./api.js').Job) => void} options.onLaunched
 */
export function createPredictForm({ zone, openCard, submit, onSource, onLaunched }) {
  const form = byId('ask', HTMLFormElement);
  const source = byId('source', HTMLSelectElement);
  const model = byId('model', HTMLSelectElement);
  const modelNote = byId('model-note', HTMLElement);
  const modelAbout = byId('model-about', HTMLButtonElement);
  const estimateText = byId('estimate', HTMLElement);
  const quotaText = byId('quota', HTMLElement);
  const launch = byId('launch', HTMLButtonElement);
  const slots = {
    source: byId('source-error', HTMLElement),
    model: byId('model-error', HTMLElement),
    options: byId('options-error', HTMLElement),
    launch: byId('launch-error', HTMLElement),
  };
  const options = createOptions(choose);

  /** @type {import('./api.js').ProcessInputs | null} */
  let offered = null;
  /** @type {Chosen | null} null until the service has told what there is */
  let chosen = null;
  /** @type {Partial<Chosen>} */
  let wanted = recalled();
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
    return aoi && chosen?.source && chosen.model ? inputsOf(aoi, chosen, language()) : null;
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
    else if (/^(compare|ensemble|augmentation|outputs|minimum_area_m2|gaps)$/.test(parameter)) {
      options.open();
      say(slots.options, message);
    } else say(slots.launch, message);
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

  const choices = () => ({ sources: offered?.source['cosia:choices'] ?? [], models: offered?.model['cosia:choices'] ?? [] });
  const chosenSource = () => choices().sources.find(({ value }) => value === chosen?.source);
  const chosenModel = () => choices().models.find(({ value }) => value === chosen?.model);

  function render() {
    launch.textContent = launching ? t('launching') : t('launch');
    // Not `disabled`: the button stays reachable and says what is missing.
    const held = launching || refused || heldBack !== undefined;
    launch.setAttribute('aria-disabled', String(held || inputs() === null));
    estimateText.textContent = estimating ? t('estimating') : estimate ? estimateSentence(estimate) : '';
    quotaText.textContent = estimate && !estimating ? quotaSentence(estimate) : '';
    const card = chosenModel();
    modelNote.textContent = card ? wordsOf(card).description : '';
    modelAbout.hidden = !card;
  }

  function renderChoices() {
    if (!offered || !chosen) return;
    const { sources, models } = choices();
    fillSelect(source, sources.map((each) => ({ value: each.value, title: sourceText(each) })), chosen.source);
    fillModels(model, models, chosenSource(), chosen.model);
    options.show(chosen, offered);
  }

  /** Areas are measured in the grid of the imagery. */
  const showGrid = () => zone.setGrid(chosenSource()?.['cosia:epsg']);

  /** @param {Partial<Chosen>} patch */
  function choose(patch) {
    // What was wanted comes back with the imagery it suits.
    wanted = { ...wanted, ...patch };
    if (!offered) return;
    const before = chosenModel();
    chosen = fitted(wanted, offered);
    remember(chosen);
    renderChoices();
    showGrid();
    refreshEstimate();
    if (patch.source && before && before.value !== chosen.model) {
      say(slots.model, t('modelReplaced', { model: wordsOf(before).title, needs: lacking(before, chosenSource()) }));
    } else if (!chosen.model && choices().models.length > 0) say(slots.model, t('modelsNone'));
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
  source.addEventListener('change', () => {
    choose({ source: source.value });
    onSource(source.value);
  });
  model.addEventListener('change', () => choose({ model: model.value }));
  modelAbout.addEventListener('click', () => {
    const card = chosenModel();
    if (card) openCard(() => aboutModel(card));
  });
  onLanguage(() => {
    renderChoices();
    // What the service says of the zone is asked for anew.
    refreshEstimate();
  });
  render();

  return {
    /** @param {import('./api.js').ProcessDescription} description */
    setProcess(description) {
      offered = description.inputs;
      choose({});
    },
    source: () => chosen?.source ?? null,
    refreshEstimate,
    /** @param {boolean} shown */
    show(shown) {
      form.hidden = !shown;
    },
    /** The choices of a job become those of the form. @param {import('./api.js').Job} job */
    take(job) {
      choose(chosenOf(job));
    },
    /** @param {{source: string, model: string}} job */
    describe(job) {
      const { sources, models } = choices();
      const picture = sources.find(({ value }) => value === job.source);
      const network = models.find(({ value }) => value === job.model);
      return `${picture ? sourceText(picture) : job.source} · ${network ? wordsOf(network).title : job.model}`;
    },
  };
}
