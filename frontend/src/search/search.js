/**
 * The search of places on the map: names and addresses are asked of the service, coordinates understood here. What is
 * chosen moves the map and is marked on it; nothing else of the page changes.
 */
import { getPlaces } from '../api.js';
import { byId, say } from '../dom.js';
import { failureText } from '../failure.js';
import { onLanguage, t } from '../i18n.js';
import { positionText } from '../readout.js';
import { createCombobox } from './combobox.js';
import { readCoordinates } from './coordinates.js';
import { createPlacemark } from './placemark.js';

const ASK_AFTER_MS = 250;
// By then the geocoder, when it was late, has answered the service or given up.
const ASK_AGAIN_AFTER_MS = 1500;
const LEAST_LETTERS = 2;
const COORDINATES_ZOOM = 17;

/** @typedef {import('../api.js').FoundPlaces} FoundPlaces */
/** @typedef {import('./combobox.js').Option} Option */

/**
 * @param {import('../map.js').PageMap} pageMap
 * @param {object} options
 * @param {(text: string) => void} options.announce
 */
export function createSearch(pageMap, { announce }) {
  const root = byId('search', HTMLElement);
  const opener = byId('search-open', HTMLButtonElement);
  const field = byId('search-text', HTMLInputElement);
  const clearer = byId('search-clear', HTMLButtonElement);
  const note = byId('search-note', HTMLElement);
  const error = byId('search-error', HTMLElement);
  const placemark = createPlacemark(pageMap.map);
  let asked = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** Whether the list is still that of an earlier text. */
  let isStale = false;
  /** Whether the first place is to be chosen once it is known. */
  let isWanted = false;

  const box = createCombobox({
    field,
    list: byId('search-list', HTMLElement),
    popup: byId('search-found', HTMLElement),
    onText: () => read(ASK_AFTER_MS),
    onEnter,
    onEscape() {
      empty();
      setOpen(false);
    },
  });

  /** Forgets what was asked before, and asks for the text as it is. @param {number} after_ms */
  function read(after_ms) {
    asked.abort();
    clearTimeout(waiting);
    field.removeAttribute('aria-busy');
    isWanted = false;
    const text = field.value.trim();
    clearer.hidden = field.value === '';
    const spots = readCoordinates(text);
    if (spots) {
      show(spots.map(coordinatesOption), '');
      // While it is being typed, much is out of range for a moment.
      waiting = setTimeout(() => tell(spots.length === 0 ? t('searchOutOfRange') : ''), after_ms);
    } else if (text.length < LEAST_LETTERS) {
      show([], '');
      box.close();
    } else {
      isStale = true;
      waiting = setTimeout(ask, after_ms, text, true);
    }
  }

  /** @param {string} text @param {boolean} patient whether to ask once more for what comes late */
  async function ask(text, patient) {
    asked = new AbortController();
    const { signal } = asked;
    field.setAttribute('aria-busy', 'true');
    try {
      const found = await getPlaces(text, signal);
      if (signal.aborted) return;
      show(found.features.map(placeOption), noteOf(found));
      const isLate = found.sources.some(({ state }) => state === 'late');
      if (isLate && patient) waiting = setTimeout(ask, ASK_AGAIN_AFTER_MS, text, false);
      if (isWanted) onEnter();
    } catch (failure) {
      if (signal.aborted) return;
      show([], '');
      tell(failureText(failure));
    }
    field.removeAttribute('aria-busy');
  }

  /** @param {Option[]} options @param {string} words */
  function show(options, words) {
    isStale = false;
    say(error, '');
    box.show(options);
    note.textContent = words;
    const count = options.length;
    if (count > 0) announce(t(count === 1 ? 'searchOne' : 'searchSome', { n: count }));
    else if (words) announce(words);
    else box.close();
  }

  /** @param {string} message empty to say nothing */
  function tell(message) {
    say(error, message);
    if (message) box.show([]);
  }

  function onEnter() {
    isWanted = isStale || box.options().length === 0;
    if (!isWanted) box.choose(0);
  }

  /** @param {import('../api.js').Place} place @returns {Option} */
  function placeOption({ geometry, bbox, properties: { name, context, zoom } }) {
    return { title: name, note: context, choose: () => go(geometry.coordinates, name, context, { bbox, zoom }) };
  }

  /** @param {import('./coordinates.js').Spot} spot @returns {Option} */
  function coordinatesOption({ lon, lat, system, order }) {
    const title = positionText(lon, lat).replace('  ', ' ');
    const words = order ? t(order) : system;
    return { title, note: words, choose: () => go([lon, lat], title, words, { zoom: COORDINATES_ZOOM }) };
  }

  /**
   * @param {[number, number]} place lon, lat
   * @param {string} name
   * @param {string} context
   * @param {{bbox?: number[], zoom: number}} extent
   */
  function go([lon, lat], name, context, { bbox, zoom }) {
    if (bbox) pageMap.fit(bbox, true);
    else pageMap.goTo({ lon, lat, zoom });
    placemark.show([lon, lat]);
    field.value = name;
    clearer.hidden = false;
    announce(t('searchGone', { place: context ? `${name}, ${context}` : name }));
    setOpen(false);
  }

  function empty() {
    field.value = '';
    placemark.clear();
    read(0);
  }

  /** Where there is no room for the field, a button stands for it. @param {boolean} open */
  function setOpen(open) {
    root.classList.toggle('open', open);
    opener.setAttribute('aria-expanded', String(open));
    if (open) {
      field.focus();
      field.select();
    } else if (document.activeElement === field && opener.offsetParent) opener.focus();
  }

  // The field keeps its focus until the click has been seen: which is to close what it opened.
  opener.addEventListener('mousedown', (event) => event.preventDefault());
  root.addEventListener('focusout', ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && root.contains(relatedTarget))) setOpen(false);
  });
  opener.addEventListener('click', () => setOpen(!root.classList.contains('open')));
  clearer.addEventListener('click', () => {
    empty();
    field.focus();
  });
  // On the map alone: elsewhere a single sign belongs to who types it.
  pageMap.map.getTargetElement()?.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setOpen(true);
  });
  onLanguage(speak);
  speak();

  function speak() {
    field.placeholder = t('searchHint');
    show([], '');
  }
}

/** What is said beside the places: nothing found, who did not answer, whose places they are. @param {FoundPlaces} found */
function noteOf({ features, sources }) {
  const geocoder = sources.find(({ id }) => id === 'geocoder')?.state;
  const said = [];
  if (geocoder === 'late') said.push(t('searchLate'));
  else if (features.length === 0) said.push(t('searchNone'));
  if (geocoder === 'unavailable') said.push(t('searchIncomplete'));
  if (geocoder === 'unasked' && features.length === 0) said.push(t('searchTowns'));
  const used = new Set(features.map(({ properties }) => properties.source));
  const owners = sources.filter(({ id }) => used.has(id)).map(({ attribution }) => attribution);
  return [...said, owners.join(' · ')].join(' ').trim();
}
