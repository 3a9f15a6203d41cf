/** What is on the map: a published layer, what it is compared with, a prediction in its place, and the imagery below. */
import { clip } from './clip.js';
import { comparedWith, createComparison } from './compare.js';
import { byId, say } from './dom.js';
import { failureText } from './failure.js';
import { permalinkOf } from './history.js';
import { t } from './i18n.js';
import { painted, styleOf, tableOf } from './look.js';
import { collectionBbox, createPublished, newestCollection } from './published.js';
import { createSwipe } from './swipe.js';
import { mapRings } from './zone.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./api.js').Collection} Collection */
/** @typedef {import('./api.js').Choice} Choice */
/** @typedef {{layer: import('./classes.js').ClassLayer, job: import('./api.js').Job}} Prediction */
/** @typedef {ReturnType<typeof createScene>} Scene */

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {import('./state.js').Store} options.store
 * @param {() => boolean} options.veiled whether something else takes the place of the classes
 * @param {() => string | null} options.wantedSource imagery of what is being asked for, if something is
 * @param {() => void} options.onLoaded another layer is on the map
 * @param {(error: unknown) => void} options.onTileError
 */
export function createScene(pageMap, { store, veiled, wantedSource, onLoaded, onTileError }) {
  const { map } = pageMap;
  const slot = byId('layer-error', HTMLElement);
  // Before any layer: it cuts those that are added.
  const swipe = createSwipe(map, (percent) => store.set({ swipe: percent }));
  const published = createPublished(pageMap, { side: 'left', onTileError });
  const comparison = createComparison(pageMap, { current: store.get, onChange: store.set, onLoaded, onTileError });

  /** @type {readonly Collection[]} */
  let collections = [];
  /** @type {readonly Choice[]} */
  let sources = [];
  /** @type {Prediction | null} */
  let prediction = null;
  let unclip = () => {};

  /** The collection on the map: the one the address names, else the newest. */
  function collection() {
    return collections.find(({ id }) => id === store.get().layer) ?? newestCollection(collections);
  }

  /** The imagery under the classes: the one chosen, else the one that what is being looked at was predicted from. */
  function source() {
    const wanted = store.get().imagery ?? prediction?.job.source ?? wantedSource() ?? collection()?.['cosia:imagery'];
    return sources.find(({ value }) => value === wanted) ?? sources.at(0);
  }

  /** Of predictions, which show classes in whatever look. */
  function predictionColours() {
    return tableOf(published.meaning()?.legend ?? { classes: [], families: [] }, store.get(), 'classes');
  }

  /** A prediction takes the place of the published map inside its zone. */
  function arrange() {
    unclip();
    const layer = published.layer();
    unclip = prediction && layer ? clip(layer.layer, map, mapRings(prediction.job.aoi), 'outside') : () => {};
  }

  return {
    collection,
    source,
    collections: () => collections,
    published,
    predictionColours,

    /** @param {readonly Collection[]} next */
    setCollections(next) {
      collections = next;
    },

    /** @param {readonly Choice[]} next */
    setSources(next) {
      sources = next;
    },

    /** The zone of the prediction on the map. */
    predicted: () => prediction && prediction.job.aoi,

    predictedJob: () => prediction && prediction.job,

    /** How the prediction on the map stands now. @param {import('./api.js').Job} job */
    updateJob(job) {
      // Its zone stays the very same object: what is outlined is told apart by that.
      if (prediction?.job.jobID === job.jobID) prediction.job = { ...job, aoi: prediction.job.aoi };
    },

    /** What shows values at the moment. */
    classLayers: () => [published.layer(), comparison.layer(), prediction?.layer ?? null].filter((layer) => layer !== null),

    /** What is on the map, in words: of the imagery and the prediction, and of both sides of the divider if there is one. */
    seen() {
      const [left, picture, state] = [collection(), source(), store.get()];
      const compared = comparedWith(state, collections, sources, left);
      const imagery = picture && state.background !== 'none' ? [`${t('imagery')}${t('colon')}${picture.title}, ${t(state.background).toLocaleLowerCase()}`] : [];
      return {
        description: prediction ? [t('pictureJob', { id: permalinkOf(prediction.job) }), ...imagery] : imagery,
        left: left?.title ?? '',
        right: compared?.title ?? '',
      };
    },

    /** In words; empty where none is told. */
    licence: () => collection()?.links?.find(({ rel }) => rel === 'license')?.title ?? '',

    /** @param {Prediction | null} next */
    setPrediction(next) {
      prediction = next;
      arrange();
    },

    /** What is drawn at a place. @param {number[]} coordinate EPSG:3857 @param {number} resolution m per pixel */
    sightAt(coordinate, resolution) {
      const other = swipe.isRight(coordinate) && comparison.layer() ? comparison : published;
      const predicted = other === published ? prediction?.layer.valueAt(coordinate, resolution) : null;
      if (predicted) return { layer: null, value: predicted, style: /** @type {const} */ ('classes') };
      const { collection: shown = null, style = 'classes' } = other.meaning() ?? {};
      return { layer: shown && shown.id, value: other.layer()?.valueAt(coordinate, resolution) ?? null, style };
    },

    /** A class and its colour on the map. @param {number} value */
    classOf(value) {
      const { legend = null } = published.meaning() ?? {};
      const found = legend?.classes.find((landCoverClass) => landCoverClass.value === value);
      const look = legend && painted(legend, store.get()).find((each) => each.value === value);
      return found && look ? { ...found, shown: look.colour } : undefined;
    },

    /** Loads the current collection's tiles and legend. */
    async load() {
      const current = collection();
      say(slot, current ? '' : t('noLayer'));
      if (!current) {
        published.clear();
        return;
      }
      try {
        if (!(await published.load(current, styleOf(current, store.get().look), store.get))) return;
        prediction?.layer.setColours(predictionColours());
        arrange();
        onLoaded();
      } catch (error) {
        say(slot, failureText(error));
      }
    },

    hasFailed: () => !slot.hidden,

    /** Asks again for the tiles that could not be had. */
    retry() {
      for (const layer of [published.layer(), comparison.layer(), prediction?.layer]) layer?.retry();
      pageMap.retryImagery();
    },

    /** Other colours, without a request. @param {State} state */
    paint(state) {
      published.paint(state);
      comparison.paint(state);
      prediction?.layer.setColours(predictionColours());
    },

    /** @param {State} state */
    show(state) {
      const [left, picture] = [collection(), source()];
      const bbox = picture?.['cosia:bbox'] ?? (left && collectionBbox(left));
      const { background } = state;
      pageMap.setImagery(picture && bbox && background !== 'none' ? { source: picture.value, style: background, bbox } : null);
      const compared = comparedWith(state, collections, sources, left);
      comparison.offer(collections, sources, left, state.compare);
      comparison.show(compared, state);
      // Not taken away: what is under the pointer and in view is still told from them.
      for (const classes of [published, comparison]) classes.layer()?.layer.setOpacity(veiled() ? 0 : state.opacity / 100);
      swipe.show(compared && { left: left?.title ?? '', right: compared.title }, state.swipe);
    },
  };
}
