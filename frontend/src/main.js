/** The page put together: what the service publishes, the state of the address, and the parts that show them. */
import { aboutLayer } from './aboutlayer.js';
import * as api from './api.js';
import { createCard } from './card.js';
import { byId, say } from './dom.js';
import { createEmbed, isEmbedded } from './embed.js';
import { failureText } from './failure.js';
import { watchPublished } from './freshness.js';
import { chooseLanguage, language, rememberedLanguage, rememberLanguage, setLanguage, t } from './i18n.js';
import { createLegend } from './legend.js';
import { styleOf } from './look.js';
import { createMap } from './map.js';
import { createMapPanel } from './mappanel.js';
import { createMeasure } from './measure/measure.js';
import { createNotice } from './notice.js';
import { createOffer } from './offer.js';
import { createPanel } from './panel.js';
import { createPredictions } from './predictions.js';
import { collectionBbox } from './published.js';
import { createReadout } from './readout.js';
import { createScene } from './scene.js';
import { createSearch } from './search/search.js';
import { isElsewhere } from './share/frame.js';
import { createSharePanel } from './share/panel.js';
import { createPicture } from './share/picture.js';
import { createViewCount } from './shares.js';
import { createStore } from './state.js';
import { createZone } from './zone.js';
import { createZoneImport } from './zoneimport.js';

setLanguage(chooseLanguage(navigator.languages, rememberedLanguage()));

/** Tabs that outline the zone of the prediction rather than the one being asked for. @type {readonly import('./state.js').Tab[]} */
const WITH_JOB = ['predict', 'share'];

const store = createStore(window);
const live = byId('live', HTMLElement);
const announce = (/** @type {string} */ text) => {
  live.textContent = text;
};
let drawing = false;

const notice = createNotice(askAgain);
const target = byId('map', HTMLElement);
const pageMap = createMap({ target, scale: byId('scale', HTMLElement), patient: isEmbedded(), onError: notice.tileFailed });
const { map } = pageMap;
const scene = createScene(pageMap, {
  store,
  veiled: () => measure.showsChanges(),
  wantedSource: () => (store.get().tab === 'predict' ? predictions.source() : null),
  onLoaded: showState,
  onTileError: notice.tileFailed,
});
const panel = createPanel((tab) => store.set({ tab }));
const card = createCard();
/** @type {import('./api.js').ProcessDescription['inputs'] | null} what can be predicted, once the service has told */
let inputs = null;
const mapPanel = createMapPanel(store.set);
const legend = createLegend(store.set);
const sharePanel = createSharePanel({
  announce,
  onAsked() {
    store.set({ tab: 'share' });
    byId('tab-share', HTMLElement).focus();
  },
});
const embed = isEmbedded() ? createEmbed() : null;
const picture = createPicture({
  map,
  scene,
  state: store.get,
  zone: shownZone,
  attribution: () => byId('attribution', HTMLElement).textContent ?? '',
  link: sharePanel.shortLink,
  changes: () => measure.changesWords(),
  isIncomplete: notice.isShown,
  announce,
});
const readout = createReadout(map, {
  sightAt: scene.sightAt,
  classOf: scene.classOf,
  isHidden: (value) => store.get().hidden.includes(value),
  announce,
});
const offer = createOffer({
  isWelcome: () => !drawing && !embed && store.get().tab === 'map' && store.get().job === null,
  onAccept() {
    // Never in place of a zone that somebody has drawn.
    if (!zone.get()) zone.takeView();
    store.set({ tab: 'predict' });
    byId('tab-predict', HTMLElement).focus();
  },
});
createViewCount(map, {
  layer: scene.published.layer,
  resolution_m: () => scene.collection()?.['cosia:resolution_m'],
  onCount(count) {
    legend.setCount(count);
    offer.setCount(count);
  },
});
const zone = createZone(map, {
  onChange(next, link) {
    store.set({ zone: link });
    zoneImport.zoneChanged();
    predictions.refreshEstimate();
    legend.setZone(next && { count: null, failure: '' });
    measure.render();
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
  onAsked() {
    const { tab } = store.get();
    store.set({ tab: tab === 'predict' ? tab : 'zone', job: null });
  },
  onZone: (bbox) => pageMap.fit(bbox, true),
});
createSearch(pageMap, { announce });
const predictions = createPredictions(pageMap, {
  store,
  scene,
  zone,
  openCard: card.open,
  framed: embed !== null,
  onShown: showState,
  onTileError: notice.tileFailed,
  announce,
});
const measure = createMeasure(map, {
  store,
  scene,
  zone: () => zone.get(),
  onZoneShares: legend.setZone,
  onChangesLoaded: showState,
  onTileError: notice.tileFailed,
  announce,
});

/** The zone that is outlined on the map. */
function shownZone() {
  return (WITH_JOB.includes(store.get().tab) && scene.predicted()) || zone.get();
}

function showState() {
  const state = store.get();
  const collection = scene.collection();
  panel.show(state.tab);
  mapPanel.show(state, collection, scene.source());
  legend.show(scene.published.meaning(), state, collection?.['cosia:styles']?.includes('confidence') ?? false);
  measure.render();
  scene.show(state);
  predictions.setOpacity(state.jobOpacity);
  const job = scene.predictedJob();
  sharePanel.show(state, collection, job);
  embed?.show(state, { layer: collection?.id, job });
  zone.show(shownZone());
  picture.render();
  readout.render();
  offer.render();
}

/** @param {api.Collection[]} collections */
function setCollections(collections) {
  scene.setCollections(collections);
  mapPanel.setCollections(collections);
}

/** Something else is published now than when the page was opened. @param {api.Collection[]} collections */
function published(collections) {
  const before = scene.collection();
  setCollections(collections);
  const isThere = before && collections.some(({ id }) => id === before.id);
  if (before && !isThere) notice.show(t('layerGone', { layer: before.title }));
  // Whoever looks at a layer goes on looking at it, though a newer one is there now.
  if (isThere) store.set({ layer: before.id });
  const now = scene.collection();
  showState();
  if (before?.id !== now?.id || before?.['cosia:version'] !== now?.['cosia:version']) scene.load();
}

/** Asks what the service offers, and shows it. */
async function load() {
  notice.show('');
  const [landing, layers, process] = await Promise.allSettled([api.getLanding(), api.getCollections(), api.getProcess()]);
  if (landing.status === 'fulfilled') {
    zone.setLimits(landing.value.limits);
    sharePanel.setLanding(landing.value);
  }
  if (process.status === 'fulfilled') {
    say(byId('process-error', HTMLElement), '');
    const sources = process.value.inputs.source['cosia:choices'];
    inputs = process.value.inputs;
    scene.setSources(sources);
    mapPanel.setSources(sources);
    predictions.setProcess(process.value);
  } else {
    say(byId('process-error', HTMLElement), t('noPrediction', { reason: failureText(process.reason) }));
  }
  if (layers.status === 'rejected') {
    notice.show(failureText(layers.reason));
    return;
  }
  setCollections(layers.value.collections);
  const collection = scene.collection();
  if (!store.get().view && collection) pageMap.fit(collectionBbox(collection));
  showState();
  await scene.load();
}

store.subscribe((state, before) => {
  if (state.view !== before.view && state.view) {
    const place = pageMap.place();
    const here = place && JSON.stringify(place) === JSON.stringify(state.view);
    if (!here) pageMap.goTo(state.view);
  }
  const collection = scene.collection();
  const restyled = collection && styleOf(collection, state.look) !== styleOf(collection, before.look);
  if (state.layer !== before.layer || restyled) scene.load();
  if (state.hidden !== before.hidden || state.look !== before.look || state.families !== before.families) scene.paint(state);
  if (state.zone !== before.zone) zone.follow(state.zone);
  if (state.job !== before.job) predictions.follow(state.job);
  showState();
});

map.on('moveend', () => {
  const view = pageMap.place();
  if (view && scene.collections().length > 0 && !isElsewhere(map)) store.set({ view });
});
byId('about-layer', HTMLButtonElement).addEventListener('click', () => {
  const collection = scene.collection();
  const [sources, models] = [inputs?.source['cosia:choices'] ?? [], inputs?.model['cosia:choices'] ?? []];
  if (collection) card.open(() => aboutLayer(collection, sources, models));
});
byId('zoom-in', HTMLButtonElement).addEventListener('click', pageMap.zoomIn);
byId('zoom-out', HTMLButtonElement).addEventListener('click', pageMap.zoomOut);
byId('fit', HTMLButtonElement).addEventListener('click', () => {
  const collection = scene.collection();
  if (collection) pageMap.fit(collectionBbox(collection), true);
});

/** Asks anew for what could not be had. */
function askAgain() {
  if (scene.collections().length === 0) {
    load();
    return;
  }
  notice.show('');
  scene.retry();
  measure.retry();
}

byId('language', HTMLButtonElement).addEventListener('click', () => {
  const other = language() === 'fr' ? 'en' : 'fr';
  rememberLanguage(other);
  setLanguage(other);
  showState();
  // What the service said of a failure was in the other language.
  if (!byId('process-error', HTMLElement).hidden) load();
  else if (notice.isShown()) askAgain();
  if (scene.hasFailed()) scene.load();
});
byId('skip', HTMLAnchorElement).addEventListener('click', (event) => {
  // The hash is the state of the page, not an anchor.
  event.preventDefault();
  target.focus();
});

const { view, job, zone: linked } = store.get();
if (view) pageMap.goTo(view);
else pageMap.fitFrance();
if (!embed) zone.recall(linked);
showState();
predictions.follow(job);
load();
watchPublished({ known: scene.collections, onChange: published });
