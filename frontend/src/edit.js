/** Changing a zone on the map, by mouse, finger or keyboard: vertices gripped, or taken to the centre of the view. */
import Interaction from 'ol/interaction/Interaction.js';

import { Change } from './change.js';
import { gripAt, gripsOf } from './grips.js';
import { Z_INDEX } from './map.js';
import { createOutlines } from './outlines.js';
import { chosenLook, cornerLook, sketchLook } from './zonestyle.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

const TOLERANCE_PX = { mouse: 10, touch: 24, centre: 24 };
const [VERTEX_PX, MIDDLE_PX, CHOSEN_PX] = [7, 4.5, 9];
const NUDGE_PX = 8;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} listeners
 * @param {(change: Change, how: {settled: boolean, crowded: boolean}) => void} listeners.onChange settled: no gesture is under
 *   way; crowded: some vertices are too close to each other to be gripped
 * @param {(polygons: Coordinate[][][]) => boolean} listeners.onFinish closed rings; false where they cannot be a zone
 * @param {() => void} listeners.onCancel
 * @param {() => void} listeners.onLast what is left has three vertices, which cannot be removed
 */
export function createEditing(map, { onChange, onFinish, onCancel, onLast }) {
  /** @type {Change | null} */
  let change = null;
  /** @type {import('./grips.js').Grip[]} */
  let grips = [];

  const view = map.getView();
  const outlines = createOutlines(map, Z_INDEX.sketch);

  /** @param {Coordinate | undefined} place @param {keyof typeof TOLERANCE_PX} aim @param {boolean} [middle] of those only */
  function grip(place, aim, middle) {
    const wanted = middle === undefined ? grips : grips.filter((each) => each.middle === middle);
    return place && gripAt(wanted, place, TOLERANCE_PX[aim] * (view.getResolution() ?? 1));
  }

  const interaction = new Interaction({
    handleEvent(event) {
      if (!change) return true;
      const { type, coordinate, originalEvent, activePointers } = /** @type {any} */ (event);
      if (type === 'keydown') return !(change.whole && originalEvent.key in ARROWS);
      const aim = originalEvent.pointerType === 'touch' ? 'touch' : 'mouse';
      if (type === 'pointerdown' && originalEvent.button === 0) {
        // A second finger means that the map is to be moved.
        if (activePointers.length > 1) {
          if (!change.taken && change.drop()) redraw(true);
          return true;
        }
        const pressed = change.press(coordinate, grip(coordinate, aim));
        redraw(false);
        return !pressed;
      }
      if (type === 'pointermove') showHand(change.whole || grip(coordinate, aim) !== undefined);
      if (type === 'click' || type === 'dblclick') return !change.whole && !grip(coordinate, aim);
      if (type === 'pointerdrag' && change.drag(coordinate)) {
        // Else a finger scrolls the page.
        originalEvent.preventDefault();
        redraw(false);
        return false;
      }
      if (type === 'pointerup' && change.release()) {
        redraw(true);
        return false;
      }
      return true;
    },
  });
  map.addInteraction(interaction);

  /** @param {boolean} shown */
  function showHand(shown) {
    /** @type {HTMLElement} */ (map.getTargetElement()).style.cursor = shown ? 'grab' : '';
  }

  /** @param {boolean} settled */
  function redraw(settled) {
    const resolution = view.getResolution();
    if (!change || resolution === undefined) return;
    const found = gripsOf(change.rings, view.calculateExtent(map.getSize()), resolution);
    grips = found.grips;
    const dots = (/** @type {boolean} */ middle, /** @type {number} */ radius) => {
      const shown = change?.whole ? [] : grips.filter((each) => each.middle === middle);
      return { look: cornerLook, places: shown.map(({ place }) => place), radius };
    };
    const chosen = { look: chosenLook, places: change.place && !change.whole ? [change.place] : [], radius: CHOSEN_PX };
    outlines.show({ look: sketchLook, rings: change.polygons().flat() }, dots(true, MIDDLE_PX), dots(false, VERTEX_PX), chosen);
    onChange(change, { settled, crowded: found.crowded });
  }

  /** A vertex that the cross comes to is the one that buttons and keys are for. */
  function aimed() {
    if (!change) return;
    redraw(!change.taken);
    const found = grip(view.getCenter(), 'centre', false);
    if (!found || change.taken) return;
    change.chosen = found.at;
    redraw(true);
  }

  function carried() {
    const centre = view.getCenter();
    if (!change?.taken || !centre) return;
    change.carry(centre);
    redraw(false);
  }

  function take() {
    if (!change?.take()) return;
    if (change.taken && change.place) view.setCenter(change.place);
    redraw(true);
  }

  function add() {
    const place = change?.add(grip(view.getCenter(), 'centre', true));
    if (!place) return;
    redraw(true);
    view.setCenter(place);
  }

  function remove() {
    if (!change) return;
    if (change.remove()) redraw(true);
    else onLast();
  }

  /** @param {1 | -1} by */
  function step(by) {
    if (!change?.step(by)) return;
    view.setCenter(change.place ?? undefined);
    redraw(true);
  }

  /** @param {1 | -1} by */
  function go(by) {
    change?.go(by);
    redraw(true);
  }

  function moveWhole() {
    change?.moveWhole();
    redraw(true);
  }

  /** @param {[number, number]} direction */
  function nudge([x, y]) {
    const by = NUDGE_PX * (view.getResolution() ?? 1);
    change?.nudge(x * by, y * by);
    redraw(true);
  }

  function finish() {
    if (!change) return;
    if (change.taken) take();
    if (onFinish(change.polygons())) stop();
  }

  /** Gives up the gesture under way, else the whole. */
  function cancel() {
    if (!change) return;
    if (change.drop()) {
      redraw(true);
      return;
    }
    stop();
    onCancel();
  }

  function stop() {
    change = null;
    outlines.show();
    showHand(false);
    document.removeEventListener('keydown', onKey);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const { key, shiftKey } = event;
    const command = event.ctrlKey || event.metaKey;
    const onMap = event.target === map.getTargetElement();
    if (key === 'Escape') cancel();
    else if (command && key === 'Enter') finish();
    else if (command && /^[zy]$/i.test(key)) go(key.toLowerCase() === 'y' || shiftKey ? 1 : -1);
    else if (!onMap || command) return;
    else if (change?.whole && key in ARROWS) nudge(ARROWS[key]);
    else if (key === 'Enter') take();
    else if (key === 'Insert') add();
    else if (key === 'Delete' || key === 'Backspace') remove();
    else if (key === 'n') step(1);
    else if (key === 'p') step(-1);
    else if (key === 'm') moveWhole();
    else return;
    event.preventDefault();
  }

  map.on('moveend', aimed);
  view.on('change:center', carried);

  return {
    /** @param {Coordinate[][][]} polygons closed rings, EPSG:3857 */
    start(polygons) {
      stop();
      change = new Change(polygons);
      document.addEventListener('keydown', onKey);
      aimed();
    },
    take,
    add,
    remove,
    moveWhole,
    undo: () => go(-1),
    redo: () => go(1),
    finish,
    cancel,
    stop,
  };
}
