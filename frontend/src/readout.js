/**
 * What lies at one place: class, confidence, the other vintages, coordinates.
 *
 * The place is under the mouse, where a finger tapped, or at the centre of the map for the keyboard. What the tiles tell
 * is shown at once; the rest is asked for when the place has been the same for a moment.
 */
import { toLonLat } from 'ol/proj.js';

import { getPoint } from './api.js';
import { byId } from './dom.js';
import { number, onLanguage, t } from './i18n.js';
import { className } from './legend.js';
import { gridAt } from './projection.js';

/** @typedef {import('./api.js').LandCoverClass} LandCoverClass */
/** @typedef {import('./api.js').PointEntry} PointEntry */
/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */
/** @typedef {{lon: number, lat: number, layers: PointEntry[]}} Answer */
/**
 * What is drawn at a place.
 *
 * @typedef {object} Sight
 * @property {string | null} layer id; null for a prediction
 * @property {number | null} value class value, or confidence; null where no tile is loaded
 * @property {import('./look.js').Style} style which of them
 */

const ASK_AFTER_MS = 250;

// Below it the other classes together are likelier than the one that is told.
const UNCERTAIN = 0.5;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {(coordinate: Coordinate, resolution: number) => Sight} options.sightAt
 * @param {(value: number) => (LandCoverClass & {shown: string}) | undefined} options.classOf shown: its colour on the map
 * @param {(value: number) => boolean} options.isHidden
 * @param {(text: string) => void} options.announce
 */
export function createReadout(map, { sightAt, classOf, isHidden, announce }) {
  const square = byId('readout-swatch', HTMLElement);
  const name = byId('readout-class', HTMLElement);
  const certainty = byId('readout-confidence', HTMLElement);
  const others = byId('readout-others', HTMLElement);
  const position = byId('readout-position', HTMLElement);
  const grid = byId('readout-grid', HTMLElement);
  const marker = byId('marker', HTMLElement);
  /** @type {Coordinate | undefined} */
  let place;
  /** @type {'centre' | 'mouse' | 'tap'} */
  let aim = 'centre';
  /** @type {Answer | null} of the service, for the place as it is */
  let answer = null;
  let asked = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let byKeyboard = false;

  /** @param {Coordinate | undefined} next @param {'centre' | 'mouse' | 'tap'} how */
  function read(next, how) {
    aim = how;
    if (String(next) !== String(place)) {
      place = next;
      answer = null;
      asked.abort();
      clearTimeout(waiting);
      waiting = setTimeout(ask, ASK_AFTER_MS);
    }
    render();
  }

  async function ask() {
    if (!place) return;
    asked = new AbortController();
    const { signal } = asked;
    const [lon, lat] = toLonLat(place);
    try {
      const layers = await getPoint(lon, lat, signal);
      if (signal.aborted) return;
      answer = { lon, lat, layers };
      render();
    } catch {
      // What the tiles tell stays; moving on asks again.
    }
    if (byKeyboard && !signal.aborted) announce([name, certainty, others].map((slot) => slot.textContent).filter(Boolean).join(', '));
    byKeyboard = false;
  }

  function render() {
    const resolution = map.getView().getResolution();
    marker.hidden = aim !== 'tap';
    if (!place || resolution === undefined) return;
    const sight = sightAt(place, resolution);
    const found = describe(sight, answer);
    const landCoverClass = found.value ? classOf(found.value) : undefined;
    square.style.backgroundColor = landCoverClass?.shown ?? 'transparent';
    name.textContent = classText(landCoverClass, sight.style === 'classes');
    certainty.textContent = found.confidence === null ? '' : confidenceText(found.confidence);
    certainty.classList.toggle('uncertain', found.confidence !== null && found.confidence < UNCERTAIN);
    others.textContent = (answer?.layers ?? []).filter(({ layer }) => layer !== sight.layer).map(vintageText).join(' · ');
    const [lon, lat] = toLonLat(place);
    position.textContent = positionText(lon, lat);
    grid.textContent = gridText(lon, lat);
    showMarker();
  }

  /** @param {LandCoverClass | undefined} landCoverClass @param {boolean} drawn whether classes are what is drawn */
  function classText(landCoverClass, drawn) {
    if (!landCoverClass) return t('notMapped');
    const text = className(landCoverClass);
    return drawn && isHidden(landCoverClass.value) ? t('hiddenClass', { name: text }) : text;
  }

  function showMarker() {
    const pixel = place && map.getPixelFromCoordinate(place);
    if (pixel) marker.style.translate = `${pixel[0]}px ${pixel[1]}px`;
  }

  map.on(['pointermove', 'click'], (event) => {
    const { coordinate, originalEvent, dragging } = /** @type {import('ol/MapBrowserEvent.js').default} */ (event);
    const finger = /** @type {PointerEvent} */ (originalEvent).pointerType === 'touch';
    if (!finger) read(coordinate, 'mouse');
    else if (!dragging && event.type === 'click') read(coordinate, 'tap');
  });
  map.getTargetElement()?.addEventListener('keydown', ({ key }) => {
    if (!/^Arrow|^[+-]$/.test(key)) return;
    byKeyboard = true;
    aim = 'centre';
  });
  map.on('moveend', () => read(aim === 'centre' ? map.getView().getCenter() : place, aim));
  map.on('postrender', showMarker);
  // Tiles may arrive after the pointer.
  map.on('rendercomplete', render);
  onLanguage(render);

  return { render };
}

/**
 * What is known of the layer that is drawn, from its tile and from the service; they differ where a tile is an overview,
 * and then what one sees is what is told.
 *
 * @param {Sight} sight
 * @param {Answer | null} answer
 * @returns {{value: number | null, confidence: number | null}} confidence: 0-1
 */
export function describe({ layer, value, style }, answer) {
  const entry = answer?.layers.find((other) => other.layer === layer);
  if (style === 'confidence') return { value: value ? (entry?.value ?? null) : null, confidence: value ? value / 255 : null };
  return { value, confidence: value && entry?.value === value ? entry.confidence : null };
}

/** @param {number} confidence 0-1 */
export function confidenceText(confidence) {
  // Rounded down: nothing is quite certain.
  const percent = number(confidence, { style: 'percent', maximumFractionDigits: 0, roundingMode: 'trunc' });
  return t(confidence < UNCERTAIN ? 'readUncertain' : 'readConfidence', { percent });
}

/** @param {PointEntry} entry */
export function vintageText({ vintage, title, value, confidence, title_fr, title_en }) {
  const what = value && title_fr && title_en ? className({ title_fr, title_en }) : t('notMapped');
  const doubt = confidence !== null && confidence < UNCERTAIN ? ` (${confidenceText(confidence)})` : '';
  return `${vintage ?? title} ${what}${doubt}`;
}

/** In degrees. @param {number} lon @param {number} lat */
export function positionText(lon, lat) {
  const degrees = (/** @type {number} */ value) =>
    number(Math.abs(value), { minimumFractionDigits: 5, maximumFractionDigits: 5 });
  return `${degrees(lat)}° ${lat < 0 ? 'S' : 'N'}  ${degrees(lon)}° ${lon < 0 ? t('west') : 'E'}`;
}

/** In the territory's own grid; empty outside of the territories. @param {number} lon @param {number} lat */
export function gridText(lon, lat) {
  const found = gridAt(lon, lat);
  if (!found) return '';
  const [x, y] = found.project(lon, lat).map((metres) => number(Math.round(metres)));
  return `${found.name} ${x} ${y}`;
}
