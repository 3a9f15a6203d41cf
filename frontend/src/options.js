/** The further choices of a prediction, folded away: what to compare with, who predicts together, what is written. */
import { fillSelect, lacking, wordsOf } from './choices.js';
import { comparisons, isDefault, outputsOffered, partnersOf, unusualCount, USUAL } from './chosen.js';
import { byId, element } from './dom.js';
import { number, t } from './i18n.js';

/** @typedef {import('./chosen.js').Chosen} Chosen */
/** @typedef {import('./api.js').Choice} Choice */
/** @typedef {import('./api.js').ProcessInputs} ProcessInputs */

/** What the service calls the ways of looking at imagery. @type {Record<string, import('./i18n.js').Key>} */
const LOOKS = { none: 'looksOnce', flips: 'looksMirrored', d4: 'looksTurned' };
const NOTHING = 'null';

/**
 * @param {(patch: Partial<Chosen>) => void} onChange
 */
export function createOptions(onChange) {
  const root = byId('options', HTMLDetailsElement);
  const count = byId('options-count', HTMLElement);
  const compare = byId('compare-with', HTMLSelectElement);
  const togetherField = byId('together-field', HTMLFieldSetElement);
  const together = byId('together', HTMLElement);
  const looks = byId('looks', HTMLSelectElement);
  const outputs = byId('outputs', HTMLElement);
  const minimumField = byId('minimum-field', HTMLElement);
  const minimum = byId('minimum', HTMLInputElement);
  const gaps = byId('gaps', HTMLInputElement);
  const reset = byId('options-reset', HTMLButtonElement);
  /** The files chosen, where they are not the usual ones. @type {string[] | null} */
  let files = null;
  /** Those that tell of a comparison. @type {string[]} */
  let telling = [];

  /** @param {HTMLElement} group */
  const ticked = (group) => [...group.querySelectorAll('input')].filter(({ checked }) => checked).map(({ value }) => value);

  compare.addEventListener('change', () => {
    const asked = JSON.parse(compare.value);
    // Whoever asks for a comparison wants to be told of it, whatever files they chose before.
    onChange({ compare: asked, ...(asked && files ? { outputs: [...new Set([...files, ...telling])] } : {}) });
  });
  looks.addEventListener('change', () => onChange({ augmentation: looks.value }));
  minimum.addEventListener('input', () => onChange({ minimum_area_m2: minimum.valueAsNumber }));
  gaps.addEventListener('change', () => onChange({ gaps: gaps.checked }));
  together.addEventListener('change', () => onChange({ ensemble: ticked(together) }));
  // None ticked are the usual ones again: a prediction that writes nothing is of no use.
  outputs.addEventListener('change', () => onChange({ outputs: ticked(outputs) }));
  reset.addEventListener('click', () => {
    onChange(USUAL);
    root.querySelector('summary')?.focus();
  });

  return {
    open() {
      root.open = true;
    },

    /**
     * @param {Chosen} chosen
     * @param {ProcessInputs} inputs
     */
    show(chosen, inputs) {
      const [source, model] = [
        inputs.source['cosia:choices'].find(({ value }) => value === chosen.source),
        inputs.model['cosia:choices'].find(({ value }) => value === chosen.model),
      ];
      files = chosen.outputs;
      telling = inputs.outputs['cosia:choices'].filter((each) => each['cosia:compares'] && isDefault(each)).map(({ value }) => value);
      const unusual = unusualCount(chosen);
      count.textContent = unusual > 0 ? t('optionsCount', { n: number(unusual) }) : '';
      reset.hidden = unusual === 0;

      const others = comparisons(inputs, source, model);
      const comparable = others.map(({ value, title }) => ({ value: JSON.stringify(value), title }));
      fillSelect(compare, [{ value: NOTHING, title: t('compareNothing') }, ...comparable], JSON.stringify(chosen.compare));
      compare.disabled = others.length === 0;

      const partners = model ? partnersOf(model, suitedTo(source, inputs)) : [];
      const most = inputs.ensemble.schema.maxItems;
      togetherField.hidden = partners.length === 0;
      fillChecks(together, partners, chosen.ensemble, chosen.ensemble.length >= most);

      const passes = inputs.augmentation['cosia:choices'];
      fillSelect(looks, passes.map((look) => ({ value: look.value, title: lookText(look) })), chosen.augmentation);

      const offered = outputsOffered(inputs, chosen.compare !== null);
      const wanted = chosen.outputs ?? offered.filter(isDefault).map(({ value }) => value);
      fillChecks(outputs, offered, wanted);
      minimumField.hidden = !wanted.includes('polygons');
      minimum.max = String(inputs.minimum_area_m2.schema.maximum);
      // Not while somebody types in it.
      if (minimum !== document.activeElement) minimum.value = String(chosen.minimum_area_m2);
      gaps.checked = chosen.gaps;
    },
  };
}

/** @param {Choice | undefined} source @param {ProcessInputs} inputs */
function suitedTo(source, inputs) {
  return inputs.model['cosia:choices'].filter((model) => !lacking(model, source));
}

/** @param {Choice} look */
function lookText({ value, 'cosia:passes': passes = 1 }) {
  return value in LOOKS ? t(LOOKS[value], { n: number(passes) }) : value;
}

/**
 * A box for each choice; those that are there stay, so that the one in use keeps its focus.
 *
 * @param {HTMLElement} group
 * @param {readonly Choice[]} choices
 * @param {readonly string[]} chosen
 * @param {boolean} [full] no more can be chosen
 */
function fillChecks(group, choices, chosen, full = false) {
  const boxes = new Map([...group.querySelectorAll('label')].map((label) => [label.querySelector('input')?.value, label]));
  const labels = choices.map((choice) => {
    const label =
      boxes.get(choice.value) ??
      element('label', { className: 'check' }, element('input', { type: 'checkbox', value: choice.value }), element('span'));
    const box = /** @type {HTMLInputElement} */ (label.firstElementChild);
    box.checked = chosen.includes(choice.value);
    box.disabled = full && !box.checked;
    /** @type {HTMLElement} */ (label.lastElementChild).textContent = wordsOf(choice).title;
    return label;
  });
  if (labels.length === boxes.size && labels.every((label) => label.isConnected)) return;
  group.replaceChildren(...labels);
}
