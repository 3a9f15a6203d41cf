/** What is under the pointer, or under the centre of the map for the keyboard: class and position. */
import { toLonLat } from 'ol/proj.js';

import { byId } from './dom.js';
import { number, onLanguage, t } from './i18n.js';
import { className } from './legend.js';

/** @typedef {import('./api.js').LandCoverClass} LandCoverClass */

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} sight
 * @param {(coordinate: import('ol/coordinate.js').Coordinate, resolution: number) => number | null} sight.valueAt
 * @param {(value: number) => LandCoverClass | undefined} sight.classOf
 * @param {(value: number) => boolean} sight.isHidden
 */
export function createReadout(map, { valueAt, classOf, isHidden }) {
  const square = byId('readout-swatch', HTMLElement);
  const name = byId('readout-class', HTMLElement);
  const position = byId('readout-position', HTMLElement);
  /** @type {import('ol/coordinate.js').Coordinate | undefined} */
  let place;

  function render() {
    const resolution = map.getView().getResolution();
    if (!place || resolution === undefined) return;
    const value = valueAt(place, resolution);
    const landCoverClass = value === null ? undefined : classOf(value);
    square.style.backgroundColor = landCoverClass?.colour ?? 'transparent';
    name.textContent = classText(value, landCoverClass);
    position.textContent = positionText(toLonLat(place));
  }

  /**
   * @param {number | null} value
   * @param {LandCoverClass | undefined} landCoverClass
   */
  function classText(value, landCoverClass) {
    if (value === null || value === 0 || !landCoverClass) return t('notMapped');
    const text = className(landCoverClass);
    return isHidden(value) ? t('hiddenClass', { name: text }) : text;
  }

  map.on(['pointermove', 'click'], (event) => {
    place = /** @type {import('ol/MapBrowserEvent.js').default} */ (event).coordinate;
    render();
  });
  map.on('moveend', () => {
    const pointed = map.getTargetElement()?.matches(':hover');
    if (!pointed) place = map.getView().getCenter();
    render();
  });
  // Tiles may arrive after the pointer.
  map.on('rendercomplete', render);
  onLanguage(render);

  return { render };
}

/** @param {number[]} lonLat */
function positionText([lon, lat]) {
  const degrees = (/** @type {number} */ value) =>
    number(Math.abs(value), { minimumFractionDigits: 5, maximumFractionDigits: 5 });
  return `${degrees(lat)}° ${lat < 0 ? 'S' : 'N'}  ${degrees(lon)}° ${lon < 0 ? t('west') : 'E'}`;
}
