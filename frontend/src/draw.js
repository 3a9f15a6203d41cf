/** Drawing a zone on the map, by mouse, finger or keyboard. */
import Feature from 'ol/Feature.js';
import Polygon from 'ol/geom/Polygon.js';
import MultiPoint from 'ol/geom/MultiPoint.js';
import Interaction from 'ol/interaction/Interaction.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';

import { Sketch } from './sketch.js';
import { sketchStyle } from './zonestyle.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

const TOLERANCE_PX = 10;

// After the click that ends a drawing, the browser still sends the double click it belongs to.
const DOUBLE_CLICK_MS = 600;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} listeners
 * @param {(sketch: Sketch) => void} listeners.onChange vertices or pointer moved; also at the start
 * @param {(ring: Coordinate[]) => void} listeners.onFinish closed ring, EPSG:3857
 * @param {() => void} listeners.onCancel
 */
export function createDrawing(map, { onChange, onFinish, onCancel }) {
  /** @type {Sketch | null} */
  let sketch = null;
  let finishedAt_ms = Number.NEGATIVE_INFINITY;

  const outline = new Feature();
  const corners = new Feature();
  const layer = new VectorLayer({
    source: new VectorSource({ features: [outline, corners] }),
    style: sketchStyle,
    updateWhileInteracting: true,
    zIndex: 20,
  });
  map.addLayer(layer);

  const interaction = new Interaction({
    handleEvent(event) {
      if (event.type === 'dblclick') return !sketch && event.originalEvent.timeStamp - finishedAt_ms > DOUBLE_CLICK_MS;
      if (!sketch) return true;
      if (event.type === 'pointermove') {
        sketch.pointer = event.coordinate;
        redraw(sketch);
      } else if (event.type === 'click') {
        place(event.coordinate, event.originalEvent.timeStamp);
        return false;
      }
      return true;
    },
  });
  map.addInteraction(interaction);

  /**
   * @param {Coordinate} coordinate
   * @param {number} at_ms time of the event
   */
  function place(coordinate, at_ms) {
    if (!sketch) return;
    const tolerance = TOLERANCE_PX * (map.getView().getResolution() ?? 1);
    if (sketch.place(coordinate, tolerance)) finish(at_ms);
    else redraw(sketch);
  }

  /** @param {Sketch} current */
  function redraw(current) {
    const ring = current.ring(true);
    outline.setGeometry(ring.length > 0 ? new Polygon([ring]) : undefined);
    corners.setGeometry(new MultiPoint(current.vertices));
    onChange(current);
  }

  function stop() {
    sketch = null;
    outline.setGeometry(undefined);
    corners.setGeometry(undefined);
    document.removeEventListener('keydown', onKey);
  }

  /** @param {number} at_ms */
  function finish(at_ms = performance.now()) {
    if (!sketch?.canFinish) return;
    const ring = sketch.ring(false);
    finishedAt_ms = at_ms;
    stop();
    onFinish(ring);
  }

  function cancel() {
    if (!sketch) return;
    stop();
    onCancel();
  }

  function undo() {
    if (!sketch) return;
    sketch.undo();
    redraw(sketch);
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
    /** @param {import('./sketch.js').Shape} shape */
    start(shape) {
      stop();
      sketch = new Sketch(shape);
      document.addEventListener('keydown', onKey);
      redraw(sketch);
    },
    placeAtCentre,
    undo,
    finish: () => finish(),
    cancel,
    dispose() {
      stop();
      map.removeInteraction(interaction);
      map.removeLayer(layer);
    },
  };
}
