/** The tools that make a zone: polygon, rectangle, freehand, the view; and a drawing left unfinished, taken up again. */
import { toLonLat } from 'ol/proj.js';

import { ringArea_m2 } from './area.js';
import { byId } from './dom.js';
import { createDrawing } from './draw.js';
import { createDrawbar } from './drawbar.js';
import { areaText, onLanguage, t } from './i18n.js';
import { counterClockwise, rounded } from './ring.js';
import { crossingFault, faultOf, refusalText } from './zonefault.js';
import { recalled, remember } from './zonememory.js';

/** @typedef {import('./api.js').Zone} Zone */
/** @typedef {import('./sketch.js').Shape} Shape */
/** @typedef {{area_m2: number | null, vertices: number, grid: number | undefined}} Limits of a zone; area: null until it is known */

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {() => Limits} options.limits
 * @param {(zone: Zone) => void} options.onZone a zone is there
 * @param {(active: boolean) => void} options.onDrawing
 * @param {(text: string) => void} options.announce
 */
export function createZoneTools(map, { limits, onZone, onDrawing, announce }) {
  const resumeButton = byId('resume-drawing', HTMLButtonElement);
  const buttons = {
    polygon: byId('draw-polygon', HTMLButtonElement),
    rectangle: byId('draw-rectangle', HTMLButtonElement),
    freehand: byId('draw-freehand', HTMLButtonElement),
  };
  /** @type {HTMLElement} */
  let begunFrom = buttons.polygon;
  let unfinished = recalled('sketch');
  /** @type {import('./sketch.js').Sketch | null} */
  let sketch = null;

  const drawing = createDrawing(map, {
    onChange(current, placed) {
      sketch = current;
      bar.gauge.show(ringArea_m2(current.ring(true).map((place) => toLonLat(place)), limits().grid), limits().area_m2);
      if (!placed) return;
      const fault = crossingFault([current.vertices.map((place) => toLonLat(place))]);
      bar.refuse(fault && current.shape !== 'rectangle' ? refusalText(fault) : '');
      bar.enable({ canUndo: current.vertices.length > 0, canFinish: current.canFinish });
      keep(current.vertices.length > 0 ? { shape: current.shape, vertices: current.vertices } : null);
      renderHint();
    },
    onFinish(ring) {
      /** @type {Zone} */
      const zone = { type: 'Polygon', coordinates: [counterClockwise(ring.map((place) => rounded(toLonLat(place))))] };
      const fault = faultOf(zone, limits().vertices);
      bar.refuse(fault ? refusalText(fault) : '');
      if (fault) return false;
      keep(null);
      ended();
      onZone(zone);
      announce(t('announceZone', { area: areaText(ringArea_m2(zone.coordinates[0], limits().grid)) }));
      return true;
    },
    onCancel: ended,
  });
  const bar = createDrawbar({ place: drawing.placeAtCentre, undo: drawing.undo, cancel: drawing.cancel, finish: drawing.finish });

  /**
   * @param {Shape} shape
   * @param {number[][]} [vertices] of a drawing taken up again
   */
  function begin(shape, vertices) {
    begunFrom = buttons[shape];
    bar.show();
    drawing.start(shape, limits().vertices, vertices);
    resumeButton.hidden = true;
    onDrawing(true);
    map.getTargetElement()?.focus({ preventScroll: true });
  }

  function ended() {
    sketch = null;
    bar.hide(begunFrom);
    resumeButton.hidden = unfinished === null;
    onDrawing(false);
  }

  /** @param {import('./zonememory.js').Unfinished | null} next */
  function keep(next) {
    unfinished = next;
    remember('sketch', next);
  }

  function renderHint() {
    if (sketch) bar.hint(hintOf(sketch));
  }

  for (const shape of /** @type {Shape[]} */ (Object.keys(buttons))) buttons[shape].addEventListener('click', () => begin(shape));
  resumeButton.addEventListener('click', () => {
    if (unfinished) begin(unfinished.shape, unfinished.vertices);
  });
  resumeButton.hidden = unfinished === null;
  onLanguage(renderHint);

  return {
    /** Gives the drawing up; another zone takes its place. */
    stop() {
      drawing.cancel();
      keep(null);
      resumeButton.hidden = true;
    },
  };
}

/** @param {import('./sketch.js').Sketch} sketch */
function hintOf({ shape, vertices, canFinish }) {
  if (shape === 'rectangle') return vertices.length === 0 ? t('hintRectangleStart') : t('hintRectangle');
  if (canFinish) return t('hintPolygonFinish');
  if (shape === 'freehand') return t('hintFreehand');
  return vertices.length === 0 ? t('hintPolygonStart') : t('hintPolygon');
}
