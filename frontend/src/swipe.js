/**
 * A movable divider over the map: layers whose `side` is `left` or `right` are drawn on that side of it only.
 *
 * The control is a range input laid over the map, so that mouse, touch, arrows, Home and End move it alike.
 */
import { getRenderPixel } from 'ol/render.js';

import { byId } from './dom.js';
import { onLanguage, t } from './i18n.js';

/** @typedef {'left' | 'right' | 'both'} Side */
/** @typedef {ReturnType<typeof createSwipe>} Swipe */

/**
 * @param {import('ol/Map.js').default} map
 * @param {(percent: number) => void} onMoved the divider was let go
 */
export function createSwipe(map, onMoved) {
  const root = byId('swipe', HTMLElement);
  const handle = byId('swipe-handle', HTMLInputElement);
  const labels = { left: byId('swipe-left', HTMLElement), right: byId('swipe-right', HTMLElement) };

  map.getLayers().on('add', ({ element }) => {
    const layer = /** @type {import('ol/layer/Layer.js').default} */ (element);
    layer.on('prerender', begin);
    layer.on('postrender', end);
  });

  /** @param {import('ol/render/Event.js').default} event */
  function begin(event) {
    const side = sideOf(event);
    const [width, height] = map.getSize() ?? [0, 0];
    const at = (width * handle.valueAsNumber) / 100;
    const context = /** @type {CanvasRenderingContext2D} */ (event.context);
    if (side === 'both') return;
    const [left, top] = getRenderPixel(event, [side === 'left' ? 0 : at, 0]);
    const [right, bottom] = getRenderPixel(event, [side === 'left' ? at : width, height]);
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
  }

  /** @param {import('ol/render/Event.js').default} event */
  function end(event) {
    if (sideOf(event) !== 'both') /** @type {CanvasRenderingContext2D} */ (event.context).restore();
  }

  /** @param {import('ol/render/Event.js').default} event @returns {Side} */
  const sideOf = (event) => (!root.hidden && event.target.get('side')) || 'both';

  function place() {
    root.style.setProperty('--at', `${handle.value}%`);
    handle.setAttribute('aria-valuetext', t('swipeAt', {
      percent: handle.value,
      left: labels.left.textContent ?? '',
      right: labels.right.textContent ?? '',
    }));
    map.render();
  }

  handle.addEventListener('input', place);
  // Not at each step: browsers limit how often the address may change.
  handle.addEventListener('change', () => onMoved(handle.valueAsNumber));
  onLanguage(place);

  return {
    /** Whether a place is right of a divider that is shown. @param {import('ol/coordinate.js').Coordinate} coordinate EPSG:3857 */
    isRight(coordinate) {
      const [width] = map.getSize() ?? [0];
      const pixel = map.getPixelFromCoordinate(coordinate);
      return !root.hidden && pixel !== null && pixel[0] * 100 > width * handle.valueAsNumber;
    },

    /**
     * Shows the divider with the names of its sides, or takes it away.
     *
     * @param {{left: string, right: string} | null} names
     * @param {number} percent of the map's width
     */
    show(names, percent) {
      root.hidden = names === null;
      labels.left.textContent = names?.left ?? '';
      labels.right.textContent = names?.right ?? '';
      handle.value = String(percent);
      place();
    },
  };
}
