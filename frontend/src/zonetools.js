/** The tools that make a zone and change it; and work left unfinished, taken up again. */
import { fromLonLat, toLonLat } from 'ol/proj.js';

import { ringArea_m2, zoneArea_m2 } from './area.js';
import { byId } from './dom.js';
import { createDrawing } from './draw.js';
import { createDrawbar } from './drawbar.js';
import { createEditing } from './edit.js';
import { areaText, number, onLanguage, t } from './i18n.js';
import { countOf, numberOf } from './reshape.js';
import { counterClockwise, rounded } from './ring.js';
import { crossingFault, faultOf, refusalText } from './zonefault.js';
import { Refusal } from './zonefile/refusal.js';
import { recalled, remember } from './zonememory.js';

/** @typedef {import('./api.js').Zone} Zone */
/** @typedef {import('./sketch.js').Shape} Shape */
/** @typedef {{area_m2: number | null, vertices: number, grid: number | undefined}} Limits of a zone; area: null until it is known */

// Checking more than that takes long enough to be felt in a drag.
const QUICKLY_CHECKED = 1000;
const CHECK_AFTER_MS = 200;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {() => Zone | null} options.zone the one there is
 * @param {() => Limits} options.limits
 * @param {(zone: Zone) => void} options.onZone a zone is there
 * @param {(work: import('./drawbar.js').Work | null) => void} options.onWork what goes on now; null: nothing any more
 * @param {(text: string) => void} options.announce
 */
export function createZoneTools(map, { zone, limits, onZone, onWork, announce }) {
  const resumeButton = byId('resume-drawing', HTMLButtonElement);
  const editButton = byId('edit-zone', HTMLButtonElement);
  const buttons = {
    polygon: byId('draw-polygon', HTMLButtonElement),
    rectangle: byId('draw-rectangle', HTMLButtonElement),
    freehand: byId('draw-freehand', HTMLButtonElement),
  };
  /** @type {HTMLElement} */
  let begunFrom = buttons.polygon;
  let unfinished = recalled('sketch');
  /** @type {import('./zonefile/refusal.js').Refusal | null} what is wrong with it */
  let fault = null;
  let hint = () => '';
  let working = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let checking;

  const drawing = createDrawing(map, {
    onChange(sketch, placed) {
      bar.gauge.show(ringArea_m2(sketch.ring(true).map((place) => toLonLat(place)), limits().grid), limits().area_m2);
      if (!placed) return;
      const { shape, vertices, canFinish } = sketch;
      fault = shape === 'rectangle' ? null : crossingFault([vertices.map((place) => toLonLat(place))]);
      bar.enable({ undo: vertices.length > 0, finish: canFinish });
      keep(vertices.length > 0 ? { shape, vertices } : null);
      hint = () => hintOf(sketch);
      render();
    },
    onFinish: (ring) => accept([[ring]]),
    onCancel: ended,
  });
  const editing = createEditing(map, {
    onChange(change, { settled, crowded }) {
      const { chosen, taken, whole, rings, canUndo, canRedo } = change;
      const few = countOf(rings) <= QUICKLY_CHECKED;
      hint = () => editHintOf(change, crowded);
      clearTimeout(checking);
      checking = settled || few ? undefined : setTimeout(check, CHECK_AFTER_MS);
      if (settled || few) check();
      function check() {
        const changed = zoneOf(change.polygons());
        fault = faultOf(changed, limits().vertices);
        bar.gauge.show(zoneArea_m2(changed, limits().grid), limits().area_m2);
        render();
        if (settled && (canUndo || canRedo)) keep({ zone: changed });
      }
      bar.enable({ take: chosen !== null && !whole, add: !taken && !whole, remove: chosen !== null && !whole, undo: canUndo, redo: canRedo });
      bar.label(taken ? 'putDown' : 'takeVertex', whole);
      render();
    },
    onFinish: accept,
    onCancel: ended,
    onLast() {
      fault = new Refusal('ringShort');
      render();
    },
  });
  const bar = createDrawbar((gesture) => {
    if (gesture === 'place') drawing.placeAtCentre();
    else if (gesture === 'take') editing.take();
    else if (gesture === 'add') editing.add();
    else if (gesture === 'remove') editing.remove();
    else if (gesture === 'whole') editing.moveWhole();
    else if (gesture === 'redo') editing.redo();
    else {
      // Whichever of them is at work.
      drawing[gesture]();
      editing[gesture]();
    }
  });

  /** Makes rings the zone, if they can be one. @param {number[][][][]} polygons EPSG:3857, closed */
  function accept(polygons) {
    const made = zoneOf(polygons);
    fault = faultOf(made, limits().vertices);
    render();
    if (fault) return false;
    keep(null);
    ended();
    onZone(made);
    announce(t('announceZone', { area: areaText(zoneArea_m2(made, limits().grid)) }));
    return true;
  }

  /**
   * @param {Shape} shape
   * @param {number[][]} [vertices] of a drawing taken up again
   */
  function draw(shape, vertices) {
    begin('draw', buttons[shape]);
    drawing.start(shape, limits().vertices, vertices);
  }

  /** @param {Zone} changed */
  function edit(changed) {
    begin('edit', editButton);
    const { type, coordinates } = changed;
    /** @type {number[][][][]} */
    const polygons = type === 'Polygon' ? [coordinates] : coordinates;
    editing.start(polygons.map((rings) => rings.map((ring) => ring.map((lonLat) => fromLonLat(lonLat)))));
  }

  /** @param {import('./drawbar.js').Work} work @param {HTMLElement} from */
  function begin(work, from) {
    drawing.stop();
    editing.stop();
    begunFrom = from;
    working = true;
    fault = null;
    bar.show(work);
    resumeButton.hidden = true;
    onWork(work);
    map.getTargetElement()?.focus({ preventScroll: true });
  }

  function ended() {
    working = false;
    clearTimeout(checking);
    bar.hide(begunFrom);
    resumeButton.hidden = unfinished === null;
    onWork(null);
  }

  function render() {
    if (!working) return;
    bar.refuse(fault ? refusalText(fault) : '');
    bar.hint(hint());
  }

  /** @param {import('./zonememory.js').Unfinished | null} next */
  function keep(next) {
    unfinished = next;
    remember('sketch', next);
  }

  for (const shape of /** @type {Shape[]} */ (Object.keys(buttons))) buttons[shape].addEventListener('click', () => draw(shape));
  editButton.addEventListener('click', () => {
    const there = zone();
    if (there) edit(there);
  });
  resumeButton.addEventListener('click', () => {
    if (!unfinished) return;
    if ('zone' in unfinished) edit(unfinished.zone);
    else draw(unfinished.shape, unfinished.vertices);
  });
  resumeButton.hidden = unfinished === null;
  onLanguage(render);

  return {
    /** Gives up what is being drawn or changed; another zone takes its place. */
    stop() {
      drawing.stop();
      editing.stop();
      if (working) ended();
      keep(null);
      resumeButton.hidden = true;
    },
  };
}

/** @param {number[][][][]} polygons EPSG:3857, closed @returns {Zone} to the centimetre, outlines counter-clockwise */
function zoneOf(polygons) {
  const lonLat = polygons.map(([outline, ...holes]) => [
    counterClockwise(outline.map((place) => rounded(toLonLat(place)))),
    ...holes.map((hole) => counterClockwise(hole.map((place) => rounded(toLonLat(place)))).toReversed()),
  ]);
  return lonLat.length === 1 ? { type: 'Polygon', coordinates: lonLat[0] } : { type: 'MultiPolygon', coordinates: lonLat };
}

/** @param {import('./sketch.js').Sketch} sketch */
function hintOf({ shape, vertices, canFinish }) {
  if (shape === 'rectangle') return vertices.length === 0 ? t('hintRectangleStart') : t('hintRectangle');
  if (canFinish) return t('hintPolygonFinish');
  if (shape === 'freehand') return t('hintFreehand');
  return vertices.length === 0 ? t('hintPolygonStart') : t('hintPolygon');
}

/** @param {import('./change.js').Change} change @param {boolean} crowded */
function editHintOf({ rings, chosen, taken, whole }, crowded) {
  if (taken) return t('hintTaken');
  if (whole) return t('hintWhole');
  const hints = chosen
    ? [t('hintVertex', { n: number(numberOf(rings, chosen) + 1), total: number(countOf(rings)) })]
    : [t('hintEdit'), matchMedia('(pointer: coarse)').matches ? '' : t('hintEditKeys')];
  return [...hints, crowded ? t('hintCrowded') : ''].join(' ').trim();
}
