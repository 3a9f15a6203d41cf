/** The controls of what the map shows: layer, opacity, background. */
import { fillSelect } from './choices.js';
import { byId, element } from './dom.js';
import { t } from './i18n.js';
import { createQuality } from './quality.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./api.js').Collection} Collection */
/** @typedef {import('./api.js').Choice} Choice */

/**
 * @param {(patch: Partial<State>) => void} onChange
 */
export function createMapPanel(onChange) {
  const layer = byId('layer', HTMLSelectElement);
  const opacity = byId('opacity', HTMLInputElement);
  const opacityValue = byId('opacity-value', HTMLOutputElement);
  const imagery = byId('imagery', HTMLSelectElement);
  const imageryField = byId('imagery-field', HTMLElement);
  const demonstration = byId('demonstration', HTMLElement);
  const quality = createQuality();
  const attribution = byId('attribution', HTMLElement);
  const demonstrationAttribution = byId('attribution-demonstration', HTMLElement);
  const backgrounds = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('input[name="background"]')]);

  layer.addEventListener('change', () => onChange({ layer: layer.value }));
  opacity.addEventListener('input', () => onChange({ opacity: Number(opacity.value) }));
  imagery.addEventListener('change', () => onChange({ imagery: imagery.value }));
  for (const radio of backgrounds) {
    radio.addEventListener('change', () => onChange({ background: /** @type {State['background']} */ (radio.value) }));
  }

  return {
    /** @param {readonly Collection[]} collections */
    setCollections(collections) {
      layer.replaceChildren(...collections.map(({ id, title }) => element('option', { value: id }, title)));
      layer.disabled = collections.length === 0;
    },

    /** @param {readonly Choice[]} sources */
    setSources(sources) {
      fillSelect(imagery, sources, undefined);
    },

    /**
     * @param {State} state
     * @param {Collection | undefined} collection on the map
     * @param {Choice | undefined} source of the background
     */
    show(state, collection, source) {
      layer.value = collection?.id ?? '';
      demonstration.hidden = demonstrationAttribution.hidden = !collection?.['cosia:demonstration'];
      quality.show(collection);
      opacity.value = String(state.opacity);
      opacityValue.textContent = `${state.opacity} %`;
      for (const radio of backgrounds) radio.checked = radio.value === state.background;
      imageryField.hidden = state.background === 'none' || imagery.options.length < 2;
      imagery.value = source?.value ?? '';
      attribution.textContent = attributionText(collection, source);
    },
  };
}

/**
 * Whose data is on the map, each named once.
 *
 * @param {Collection | undefined} collection
 * @param {Choice | undefined} source
 */
function attributionText(collection, source) {
  const owners = new Set([collection?.attribution, source?.['cosia:attribution']].filter(Boolean));
  return owners.size > 0 ? [...owners].join(' · ') : t('attribution');
}
