/** What is chosen for the next prediction: made to fit what the service offers, sent, and kept over a reload. */
import { areOfOneKind, lacking, newestSource } from './choices.js';

/** @typedef {import('./api.js').Choice} Choice */
/** @typedef {import('./api.js').Inputs} Inputs */
/** @typedef {import('./api.js').Comparison} Comparison */
/** @typedef {import('./api.js').ProcessInputs} ProcessInputs */

/**
 * @typedef {object} Chosen
 * @property {string} source
 * @property {string} model
 * @property {string[]} ensemble models that predict together with it
 * @property {string} augmentation
 * @property {string[] | null} outputs null: the usual ones
 * @property {boolean} gaps
 * @property {number} minimum_area_m2
 * @property {Comparison | null} compare
 */

const MEMORY = 'cosia.choices';
const ONE_LOOK = 'none';

/** @type {Readonly<Omit<Chosen, 'source' | 'model'>>} */
export const USUAL = { ensemble: [], augmentation: ONE_LOOK, outputs: null, gaps: false, minimum_area_m2: 0, compare: null };

/**
 * What was wanted as far as it is offered, and the usual for the rest: services change between two visits.
 *
 * @param {Partial<Chosen>} wanted
 * @param {ProcessInputs} inputs as the service describes them
 * @returns {Chosen}
 */
export function fitted(wanted, inputs) {
  const { sources, models } = { sources: inputs.source['cosia:choices'], models: inputs.model['cosia:choices'] };
  const source = find(sources, wanted.source) ?? find(sources, newestSource(sources, inputs.source.schema.default));
  const suited = models.filter((each) => !lacking(each, source));
  const model = find(suited, wanted.model) ?? find(suited, inputs.model.schema.default) ?? suited.at(0);
  const partners = model ? partnersOf(model, suited).map(({ value }) => value) : [];
  const compare = comparisons(inputs, source, model).find(({ value }) => isSame(value, wanted.compare))?.value ?? null;
  const written = outputsOffered(inputs, compare !== null);
  const outputs = wanted.outputs?.filter((name) => written.some(({ value }) => value === name)) ?? [];
  const isUsual = outputs.length === 0 || isSame(written.filter(isDefault).map(({ value }) => value).sort(), outputs.toSorted());
  return {
    source: source?.value ?? '',
    model: model?.value ?? '',
    ensemble: (wanted.ensemble ?? []).filter((id) => partners.includes(id)).slice(0, inputs.ensemble.schema.maxItems),
    augmentation: find(inputs.augmentation['cosia:choices'], wanted.augmentation)?.value ?? ONE_LOOK,
    outputs: isUsual ? null : outputs,
    gaps: wanted.gaps === true,
    minimum_area_m2: Math.min(Math.max(Number(wanted.minimum_area_m2) || 0, 0), inputs.minimum_area_m2.schema.maximum),
    compare,
  };
}

/** Models that can predict together with one, on imagery that suits them all. @param {Choice} model @param {readonly Choice[]} suited */
export const partnersOf = (model, suited) => suited.filter((each) => each.value !== model.value && areOfOneKind(each, model));

/**
 * What a result can be compared with: layers of the same classes, other imagery of the same grid that suits the model.
 *
 * @param {ProcessInputs} inputs
 * @param {Choice | undefined} source
 * @param {Choice | undefined} model
 */
export function comparisons(inputs, source, model) {
  if (!source || !model) return [];
  const sources = inputs.source['cosia:choices'];
  return inputs.compare['cosia:choices'].filter(({ value, 'cosia:nomenclature': nomenclature }) => {
    if (!('source' in value)) return nomenclature === model['cosia:nomenclature'];
    const other = find(sources, value.source);
    return other && other.value !== source.value && other['cosia:epsg'] === source['cosia:epsg'] && !lacking(model, other);
  });
}

/** @param {ProcessInputs} inputs @param {boolean} comparing */
export const outputsOffered = (inputs, comparing) =>
  inputs.outputs['cosia:choices'].filter((output) => comparing || !output['cosia:compares']);

/** Written when nothing is said of outputs. @param {Choice} output */
export const isDefault = (output) => output['cosia:default'] === true;

/** How many of the further choices are not the usual ones. @param {Chosen} chosen */
export function unusualCount(chosen) {
  const names = /** @type {(keyof typeof USUAL)[]} */ (Object.keys(USUAL));
  return names.filter((name) => !isSame(chosen[name], USUAL[name])).length;
}

/**
 * What is sent: what differs from the usual alone, so that the same wish is the same request.
 *
 * @param {import('./api.js').Zone} aoi
 * @param {Chosen} chosen
 * @param {string} language of picture and report
 * @returns {Inputs}
 */
export function inputsOf(aoi, { source, model, ...further }, language) {
  const unusual = Object.entries(further).filter(([name, value]) => !isSame(value, Reflect.get(USUAL, name)));
  return { aoi, source, model, language, ...Object.fromEntries(unusual) };
}

/** What a job was asked with. @param {import('./api.js').Job} job @returns {Chosen} */
export function chosenOf({ source, model, inputs, outputs }) {
  const { language: _, ...further } = inputs ?? {};
  return { ...USUAL, source, model, ...further, outputs: outputs ?? null };
}

/** The request that would make the same job. @param {import('./api.js').Job} job */
export const requestOf = (job) => inputsOf(job.aoi, chosenOf(job), job.inputs?.language ?? 'fr');

/** @param {Chosen} chosen */
export function remember(chosen) {
  try {
    sessionStorage.setItem(MEMORY, JSON.stringify(chosen));
  } catch {
    // storage forbidden by the visitor's settings: the choices last as long as the page
  }
}

/** @returns {Partial<Chosen>} */
export function recalled() {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY) ?? 'null') ?? {};
  } catch {
    return {};
  }
}

/** @template {{value: unknown}} T @param {readonly T[]} choices @param {unknown} value */
const find = (choices, value) => choices.find((choice) => choice.value === value);

/** @param {unknown} a @param {unknown} b plain values */
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);
