/** Drawing a zone on the map, by mouse, finger or keyboard. */
import Interaction from 'ol/interaction/Interaction.js';

import { Z_INDEX } from './map.js';
import { createOutlines } from './outlines.js';
import { Sketch } from './sketch.js';
import { cornerLook, sketchLook } from './zonestyle.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

const TOLERANCE_PX = 10;
const CORNER_PX = 6;
// Of a stroke, which is less steady than that.
const STROKE_TOLERANCE_PX = 2;

// After the click that ends a drawing, the browser still sends the double click it belongs to.
const DOUBLE_CLICK_MS = 600;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} listeners
 * @param {(sketch: Sketch, placed: boolean) => void} listeners.onChange also at the start; placed: not only the pointer moved
 * @param {(ring: Coordinate[]) => boolean} listeners.onFinish closed ring, EPSG:3857; false where it cannot be a zone: the
 *   drawing goes on
 * @param {() => void} listeners.onCancel
 */
export function createDrawing(map, { onChange, onFinish, onCancel }) {
  /** @type {Sketch | null} */
  let sketch = null;
  let mostVertices = 0;
  let finishedAt_ms = Number.NEGATIVE_INFINITY;

  const outlines = createOutlines(map, Z_INDEX.sketch);

  const interaction = new Interaction({
    handleEvent(event) {
      if (event.type === 'dblclick') return !sketch && event.originalEvent.timeStamp - finishedAt_ms > DOUBLE_CLICK_MS;
      if (!sketch) return true;
      if (sketch.shape === 'freehand' && !stroke(sketch, event)) return false;
      if (event.type === 'pointermove') {
        sketch.pointer = event.coordinate;
        redraw(sketch, false);
      } else if (event.type === 'click') {
        place(event.coordinate, event.originalEvent.timeStamp);
        if (!sketch) swallowClick();
        return false;
      }
      return true;
    },
  });
  map.addInteraction(interaction);

  /**
   * One event of a stroke. A second finger means that the map is to be moved.
   *
   * @param {Sketch} current
   * @param {any} event
   * @returns {boolean} whether it is for others too
   */
  function stroke(current, { type, coordinate, originalEvent, activePointers }) {
    if (type === 'pointerdown' && originalEvent.button === 0) {
      current.pointer = null;
      current.stroke = activePointers.length > 1 ? [] : [coordinate];
      redraw(current, false);
      return activePointers.length > 1;
    }
    if (current.stroke.length === 0) return true;
    if (type === 'pointerdrag') {
      // Else a finger scrolls the page.
      originalEvent.preventDefault();
      current.stroke.push(coordinate);
      redraw(current, false);
    } else if (type === 'pointerup') {
      // What has not moved is a click, which comes by itself.
      if (current.stroke.length > 1) endStroke(current, originalEvent.timeStamp);
      else current.stroke = [];
    }
    return false;
  }

  /** @param {Sketch} current @param {number} at_ms */
  function endStroke(current, at_ms) {
    current.endStroke(STROKE_TOLERANCE_PX * resolution(), mostVertices - 1);
    redraw(current, true);
    finish(at_ms);
  }

  const resolution = () => map.getView().getResolution() ?? 1;

  /**
   * @param {Coordinate} coordinate
   * @param {number} at_ms time of the event
   */
  function place(coordinate, at_ms) {
    if (!sketch) return;
    const ends = sketch.place(coordinate, TOLERANCE_PX * resolution());
    redraw(sketch, true);
    if (ends) finish(at_ms);
  }

  /** @param {Sketch} current @param {boolean} placed */
  function redraw(current, placed) {
    const corners = { look: cornerLook, places: current.vertices, radius: CORNER_PX };
    outlines.show({ look: sketchLook, rings: [current.ring(true)] }, corners);
    onChange(current, placed);
  }

  function stop() {
    sketch = null;
    outlines.show();
    document.removeEventListener('keydown', onKey);
  }

  /** @param {number} at_ms */
  function finish(at_ms = performance.now()) {
    if (!sketch?.canFinish) return;
    if (!onFinish(sketch.ring(false))) {
      // Its second corner was the end: another one is wanted.
      if (sketch.shape === 'rectangle') sketch.undo();
      return;
    }
    finishedAt_ms = at_ms;
    stop();
  }

  function cancel() {
    if (!sketch) return;
    stop();
    onCancel();
  }

  function undo() {
    if (!sketch) return;
    sketch.undo();
    redraw(sketch, true);
  }

  function placeAtCentre() {
    const centre = map.getView().getCenter();
    if (centre) place(centre, performance.now());
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const onMap = event.target === map.getTargetElement();
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) finish();
    else if (event.key === 'Enter' && onMap) placeAtCentre();
    else if (event.key === 'Backspace' && onMap) undo();
    else return;
    event.preventDefault();
  }

  return {
    /**
     * @param {import('./sketch.js').Shape} shape
     * @param {number} most vertices of a zone
     * @param {Coordinate[]} [vertices] of a drawing taken up again
     */
    start(shape, most, vertices) {
      stop();
      mostVertices = most;
      sketch = new Sketch(shape, vertices);
      document.addEventListener('keydown', onKey);
      redraw(sketch, true);
    },
    placeAtCentre,
    undo,
    finish: () => finish(),
    cancel,
    stop,
  };
}

/**
 * The browser's own click comes after the release that ended a drawing, and would hit what has come to lie there since: on a
 * phone the panel opens.
 */
function swallowClick() {
  const swallow = (/** @type {Event} */ event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  window.addEventListener('click', swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener('click', swallow, true), DOUBLE_CLICK_MS);
}
