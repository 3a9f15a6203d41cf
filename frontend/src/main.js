/** The page put together: what the service publishes, the state of the address, and the parts that show them. */
import * as api from './api.js';
import { clip } from './clip.js';
import { comparedWith, createComparison } from './compare.js';
import { byId, say } from './dom.js';
import { failureText } from './failure.js';
import { chooseLanguage, language, rememberedLanguage, rememberLanguage, setLanguage, t } from './i18n.js';
import { createJobPanel } from './jobpanel.js';
import { createLegend } from './legend.js';
import { painted, styleOf, tableOf } from './look.js';
import { createMap } from './map.js';
import { createMapPanel } from './mappanel.js';
import { createOffer } from './offer.js';
import { createPanel } from './panel.js';
import { createPredictForm } from './predict.js';
import { collectionBbox, createPublished, newestCollection } from './published.js';
import { createReadout } from './readout.js';
import { createViewCount } from './shares.js';
import { createStore } from './state.js';
import { createSwipe } from './swipe.js';
import { createZone, mapRings } from './zone.js';
import { createZoneImport } from './zoneimport.js';

setLanguage(chooseLanguage(navigator.languages, rememberedLanguage()));

const store = createStore(window);
const live = byId('live', HTMLElement);
const notice = byId('map-notice', HTMLElement);

/** @type {readonly api.Collection[]} */
let collections = [];
/** @type {readonly api.Choice[]} */
let sources = [];
/** @type {{layer: import('./classes.js').ClassLayer, job: api.Job} | null} */
let prediction = null;
let unclip = () => {};
let drawing = false;

/** Of predictions, which show classes in whatever look. */
const colours = () => tableOf(published.meaning()?.legend ?? { classes: [], families: [] }, store.get(), 'classes');
const announce = (/** @type {string} */ text) => {
  live.textContent = text;
};

const target = byId('map', HTMLElement);
const pageMap = createMap({
  target,
  scale: byId('scale', HTMLElement),
  onError: showTileFailure,
});
const { map } = pageMap;
// Before any layer: it cuts those that are added.
const swipe = createSwipe(map, (percent) => store.set({ swipe: percent }));
const published = createPublished(pageMap, { side: 'left', onTileError: showTileFailure });
const comparison = createComparison(pageMap, { current: store.get, onChange: store.set, onLoaded: showState, onTileError: showTileFailure });
const panel = createPanel((tab) => store.set({ tab }));
const mapPanel = createMapPanel(store.set);
const legend = createLegend(store.set);
const readout = createReadout(map, {
  sightAt(coordinate, resolution) {
    const other = swipe.isRight(coordinate) && comparison.layer() ? comparison : published;
    const predicted = other === published ? prediction?.layer.valueAt(coordinate, resolution) : null;
    if (predicted) return { layer: null, value: predicted, style: 'classes' };
    const { collection = null, style = 'classes' } = other.meaning() ?? {};
    return { layer: collection && collection.id, value: other.layer()?.valueAt(coordinate, resolution) ?? null, style };
  },
  classOf(value) {
    const { legend: document = null } = published.meaning() ?? {};
    const found = document?.classes.find((landCoverClass) => landCoverClass.value === value);
    const look = document && painted(document, store.get()).find((each) => each.value === value);
    return found && look ? { ...found, shown: look.colour } : undefined;
  },
  isHidden: (value) => store.get().hidden.includes(value),
  announce,
});
const offer = createOffer(map, {
  isWelcome: () => !drawing && store.get().tab === 'map' && store.get().job === null,
  onAccept(view) {
    // Never in place of a zone that somebody has drawn.
    if (!zone.get()) zone.replace(view);
    store.set({ tab: 'predict' });
    byId('tab-predict', HTMLElement).focus();
  },
});
createViewCount(map, {
  layer: published.layer,
  resolution_m: () => currentCollection()?.['cosia:resolution_m'],
  onCount(count) {
    legend.setCount(count);
    offer.setCount(count);
  },
});
const zone = createZone(map, {
  onChange() {
    zoneImport.zoneChanged();
    predictForm.refreshEstimate();
  },
  onDrawing(active) {
    drawing = active;
    panel.setFolded(active);
    offer.render();
  },
  announce,
});
const zoneImport = createZoneImport({
  zone,
  onAsked: () => store.set({ tab: 'predict', job: null }),
  onZone: (bbox) => pageMap.fit(bbox, true),
});
const predictForm = createPredictForm({
  zone,
  onSource: (source) => store.set({ imagery: source }),
  onLaunched: ({ jobID }) => store.set({ job: jobID }),
});
const jobPanel = createJobPanel(pageMap, {
  colours,
  describe: predictForm.describe,
  onLayer(layer, job) {
    prediction = layer && job ? { layer, job } : null;
    zone.show(prediction ? prediction.job.aoi : zone.get());
    arrange();
    showState();
  },
  onTileError: showTileFailure,
  announce,
  onNew() {
    store.set({ job: null });
    byId('draw-polygon', HTMLButtonElement).focus();
  },
});

/** The collection on the map: the one the address names, else the newest. */
function currentCollection() {
  return collections.find(({ id }) => id === store.get().layer) ?? newestCollection(collections);
}

/** The imagery under the classes: the one chosen, else the one that what is being looked at was predicted from. */
function currentSource() {
  const { imagery, tab } = store.get();
  const wanted =
    imagery ??
    prediction?.job.source ??
    (tab === 'predict' ? predictForm.source() : currentCollection()?.['cosia:imagery']);
  return sources.find((source) => source.value === wanted) ?? sources.at(0);
}

/** A prediction takes the place of the published map inside its zone. */
function arrange() {
  unclip();
  const layer = published.layer();
  unclip = prediction && layer ? clip(layer.layer, map, mapRings(prediction.job.aoi), 'outside') : () => {};
}

function showState() {
  const state = store.get();
  const collection = currentCollection();
  const source = currentSource();
  panel.show(state.tab);
  predictForm.show(state.job === null);
  mapPanel.show(state, collection, source);
  legend.show(published.meaning(), state, collection?.['cosia:styles']?.includes('confidence') ?? false);
  published.layer()?.layer.setOpacity(state.opacity / 100);
  const bbox = source?.['cosia:bbox'] ?? (collection && collectionBbox(collection));
  const { background } = state;
  pageMap.setImagery(source && bbox && background !== 'none' ? { source: source.value, style: background, bbox } : null);
  showComparison(state, collection);
  readout.render();
  offer.render();
}

/** @param {import('./state.js').State} state @param {api.Collection | undefined} collection left of the divider */
function showComparison(state, collection) {
  const compared = comparedWith(state, collections, sources, collection);
  comparison.offer(collections, sources, collection, state.compare);
  comparison.show(compared, state);
  comparison.layer()?.layer.setOpacity(state.opacity / 100);
  swipe.show(compared && { left: collection?.title ?? '', right: compared.title }, state.swipe);
}

/** Loads the current collection's tiles and legend. */
async function showCollection() {
  const slot = byId('layer-error', HTMLElement);
  const collection = currentCollection();
  say(slot, collection ? '' : t('noLayer'));
  if (!collection) return;
  try {
    if (!(await published.load(collection, styleOf(collection, store.get().look), store.get))) return;
    prediction?.layer.setColours(colours());
    arrange();
    showState();
  } catch (error) {
    say(slot, failureText(error));
  }
}

/** @param {unknown} error */
function showTileFailure(error) {
  showNotice(`${t('tilesFailed')} ${failureText(error)}`);
}

/** @param {string} text empty to hide */
function showNotice(text) {
  byId('map-notice-text', HTMLElement).textContent = text;
  notice.hidden = text === '';
}

/** Asks what the service offers, and shows it. */
async function load() {
  showNotice('');
  const [landing, published, process] = await Promise.allSettled([api.getLanding(), api.getCollections(), api.getProcess()]);
  if (landing.status === 'fulfilled') {
    zone.setLimit(landing.value.limits.aoi_km2 * 1e6);
    zoneImport.setLimit(landing.value.limits.aoi_vertices);
  }
  if (process.status === 'fulfilled') {
    say(byId('process-error', HTMLElement), '');
    sources = process.value.inputs.source['cosia:choices'];
    mapPanel.setSources(sources);
    predictForm.setProcess(process.value);
    jobPanel.render();
  } else {
    say(byId('process-error', HTMLElement), t('noPrediction', { reason: failureText(process.reason) }));
  }
  if (published.status === 'rejected') {
    showNotice(failureText(published.reason));
    return;
  }
  collections = published.value.collections;
  mapPanel.setCollections(collections);
  const collection = currentCollection();
  if (!store.get().view && collection) pageMap.fit(collectionBbox(collection));
  showState();
  await showCollection();
}

store.subscribe((state, before) => {
  if (state.view !== before.view && state.view) {
    const place = pageMap.place();
    const here = place && JSON.stringify(place) === JSON.stringify(state.view);
    if (!here) pageMap.goTo(state.view);
  }
  const collection = currentCollection();
  const restyled = collection && styleOf(collection, state.look) !== styleOf(collection, before.look);
  if (state.layer !== before.layer || restyled) showCollection();
  if (state.hidden !== before.hidden || state.look !== before.look || state.families !== before.families) {
    published.paint(state);
    comparison.paint(state);
    prediction?.layer.setColours(colours());
  }
  if (state.job !== before.job) {
    if (state.job) jobPanel.open(state.job);
    else jobPanel.close();
  }
  showState();
});

map.on('moveend', () => {
  const view = pageMap.place();
  if (view && collections.length > 0) store.set({ view });
});
byId('zoom-in', HTMLButtonElement).addEventListener('click', pageMap.zoomIn);
byId('zoom-out', HTMLButtonElement).addEventListener('click', pageMap.zoomOut);
byId('fit', HTMLButtonElement).addEventListener('click', () => {
  const collection = currentCollection();
  if (collection) pageMap.fit(collectionBbox(collection), true);
});

/** Asks anew for what could not be had. */
function askAgain() {
  if (collections.length === 0) {
    load();
    return;
  }
  showNotice('');
  for (const layer of [published.layer(), comparison.layer(), prediction?.layer]) layer?.retry();
  pageMap.retryImagery();
}

byId('map-retry', HTMLButtonElement).addEventListener('click', askAgain);
byId('language', HTMLButtonElement).addEventListener('click', () => {
  const other = language() === 'fr' ? 'en' : 'fr';
  rememberLanguage(other);
  setLanguage(other);
  showState();
  // What the service said of a failure was in the other language.
  if (!byId('process-error', HTMLElement).hidden) load();
  else if (!notice.hidden) askAgain();
  if (!byId('layer-error', HTMLElement).hidden) showCollection();
});
byId('skip', HTMLAnchorElement).addEventListener('click', (event) => {
  // The hash is the state of the page, not an anchor.
  event.preventDefault();
  target.focus();
});

const { view, job } = store.get();
if (view) pageMap.goTo(view);
else pageMap.fitFrance();
zone.recall();
showState();
if (job) jobPanel.open(job);
load();
