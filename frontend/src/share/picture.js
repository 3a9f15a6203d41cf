/** The map as a picture, and as a page to print: of the view or of the zone, with all that a reader has to know. */
import { boundingExtent } from 'ol/extent.js';

import * as api from '../api.js';
import { zoneArea_m2 } from '../area.js';
import { byId, say } from '../dom.js';
import { failureText } from '../failure.js';
import { areaText, language, onLanguage, t } from '../i18n.js';
import { tableOf } from '../look.js';
import { areasOf } from '../measure/counting.js';
import { saveFile } from '../savefile.js';
import { mapRings } from '../zone.js';
import { compose, drawDivider, keepInside } from './compose.js';
import { draw, drawn, frameOfView, frameOfZone, pixelOf } from './frame.js';
import { fillPaper } from './paper.js';
import { cornersText, measured, rowsOf, scaleBar } from './words.js';

/** @typedef {import('./frame.js').Frame} Frame */
/** @typedef {import('./layout.js').Words} Words */

const ZONE_PX = 1400;

// EPSG:3857 metres in mid-latitudes: pixels of the data, enlarged at most four times.
const FINEST_PIXEL_M = 0.07;

// Of a picture whose words are as large as on the screen; those on a larger one are larger, and as legible on paper.
const PLAIN_PX = 1000;

/** @param {Frame} frame @param {number} scale */
const unitOf = ({ width, height }, scale) => Math.max(scale, Math.max(width, height) / PLAIN_PX);

/**
 * @param {object} options
 * @param {import('ol/Map.js').default} options.map
 * @param {import('../scene.js').Scene} options.scene
 * @param {() => import('../state.js').State} options.state
 * @param {() => import('../api.js').Zone | null} options.zone outlined on the map
 * @param {() => string} options.attribution
 * @param {() => string} options.link to what is seen
 * @param {() => string} options.changes what the map shows of them, in words
 * @param {() => boolean} options.isIncomplete whether tiles could not be had
 * @param {(text: string) => void} options.announce
 */
export function createPicture({ map, scene, state, zone, attribution, link, changes, isIncomplete, announce }) {
  const name = byId('picture-name', HTMLInputElement);
  const what = byId('picture-what', HTMLSelectElement);
  const classes = byId('picture-classes', HTMLSelectElement);
  const size = byId('picture-size', HTMLSelectElement);
  const buttons = [byId('picture-save', HTMLButtonElement), byId('picture-print', HTMLButtonElement)];
  const note = byId('picture-note', HTMLElement);
  const slot = byId('picture-error', HTMLElement);
  let ready = false;

  /** Values that are drawn in a frame, each layer on its side of the divider. @param {Frame} frame */
  function seenIn(frame) {
    const [left, bottom, right, top] = frame.extent;
    const divider = scene.seen().right ? left + ((right - left) * state().swipe) / 100 : null;
    /** @type {Set<number>} */
    const seen = new Set();
    for (const { layer, countsIn } of scene.classLayers()) {
      const onRight = layer.get('side') === 'right';
      const extent = [onRight ? (divider ?? left) : left, bottom, onRight ? right : (divider ?? right), top];
      for (const [value, count] of countsIn(extent, pixelOf(frame)).counts.entries()) if (count > 0) seen.add(value);
    }
    return seen;
  }

  const colours = () => {
    const { legend, style } = scene.published.meaning() ?? { legend: { classes: [], families: [] }, style: /** @type {const} */ ('classes') };
    return { legend, style, table: tableOf(legend, { ...state(), hidden: [] }, style) };
  };

  /** @param {Frame} frame @param {Words['rows']} rows @param {number | null} area_m2 of the zone @returns {Words} */
  function wordsFor(frame, rows, area_m2) {
    const collection = scene.collection();
    const { description, left, right } = scene.seen();
    const title = name.value.trim() || collection?.title || 'CoSIA Map';
    const day = new Date().toLocaleDateString(language(), { dateStyle: 'long' });
    return {
      title,
      under: [
        ...(collection && collection.title !== title ? [collection.title] : []),
        ...description,
        ...[changes()].filter(Boolean),
        ...(right ? [t('pictureSides', { left, right })] : []),
        ...(area_m2 === null ? [] : [t('pictureZone', { area: areaText(area_m2) })]),
      ],
      warning: collection?.['cosia:demonstration'] ? `${t('demonstration')}. ${t('demonstrationNote')}` : '',
      legend: t('legend'),
      rows,
      scale: scaleBar(frame).words,
      foot: [
        cornersText(frame),
        t('pictureSources', { attribution: attribution(), licence: scene.licence() }),
        t('pictureMade', { day, address: link() }),
      ],
    };
  }

  /** Areas of the zone; nothing where they cannot be had, which is said. @param {import('../api.js').Zone} shape */
  async function areasIn(shape) {
    const [job, collection] = [scene.predictedJob(), scene.collection()];
    try {
      if (job && shape === job.aoi) {
        const { areas } = await api.getResults(job.jobID);
        return areas ? await api.getAreas(areas.href) : null;
      }
      return collection ? await areasOf(collection.id, shape, new AbortController().signal) : null;
    } catch (error) {
      say(slot, failureText(error));
      return null;
    }
  }

  /** What was chosen, drawn and in words. */
  async function make() {
    const scale = Number(size.value);
    const shape = what.value === 'zone' ? zone() : null;
    const rings = shape && mapRings(shape);
    const frame = rings ? frameOfZone(boundingExtent(rings.flat()), ZONE_PX * scale, FINEST_PIXEL_M) : frameOfView(map, scale);
    const unit = unitOf(frame, scale);
    const { canvas, found } = await draw(map, frame, () => seenIn(frame));
    if (rings) keepInside(canvas, rings, frame);
    const { legend, style, table } = colours();
    const areas = shape && style === 'classes' ? await areasIn(shape) : null;
    const seen = areas ? new Set(areas.classes.map(({ value }) => value)) : found;
    const rows = rowsOf(legend, state(), style, classes.value === 'seen' ? seen : null);
    if (scene.seen().right) drawDivider(canvas, state().swipe, unit);
    const words = wordsFor(frame, areas ? measured(rows, areas.classes) : rows, shape && zoneArea_m2(shape));
    return { canvas, words, table, unit, bar_px: scaleBar(frame).bar_px };
  }

  /** @param {(made: Awaited<ReturnType<typeof make>>) => void | Promise<void>} use */
  async function run(use) {
    say(slot, '');
    note.textContent = t('pictureMaking');
    for (const button of buttons) button.disabled = true;
    try {
      await use(await make());
      if (isIncomplete()) say(slot, t('tilesFailed'));
    } catch (error) {
      say(slot, failureText(error));
    }
    note.textContent = '';
    for (const button of buttons) button.disabled = false;
  }

  buttons[0].addEventListener('click', () =>
    run(async ({ canvas, ...written }) => {
      const file = await new Promise((resolve) => compose(canvas, written).toBlob(resolve, 'image/png'));
      if (!file) throw new api.ApiError({ detail: t('pictureTooLarge'), status: 0, type: 'picture-too-large' });
      saveFile(`cosia-${scene.collection()?.id ?? 'map'}-${new Date().toISOString().slice(0, 10)}.png`, file);
      announce(t('pictureSaved'));
    }),
  );

  /** The map with its scale and its north only. @param {Awaited<ReturnType<typeof make>>} made */
  function onPaper({ canvas, words, ...written }) {
    const bare = { title: '', under: [], warning: '', legend: '', rows: [], foot: [], scale: words.scale };
    fillPaper(compose(canvas, { ...written, words: bare }), words, written.table);
  }

  buttons[1].addEventListener('click', () =>
    run((made) => {
      onPaper(made);
      ready = true;
      window.print();
      ready = false;
    }),
  );

  // Printed by the browser's own menu: there is no time for another size, so what is on the screen goes on paper.
  window.addEventListener('beforeprint', () => {
    if (ready) return;
    const frame = frameOfView(map, 1);
    const { legend, style, table } = colours();
    const canvas = drawn(map, [frame.width, frame.height]);
    if (scene.seen().right) drawDivider(canvas, state().swipe, 1);
    const words = wordsFor(frame, rowsOf(legend, state(), style, seenIn(frame)), null);
    onPaper({ canvas, words, table, unit: unitOf(frame, 1), bar_px: scaleBar(frame).bar_px });
  });

  function render() {
    name.placeholder = scene.collection()?.title ?? '';
    const none = zone() === null;
    if (none) what.value = 'view';
    what.options[1].disabled = none;
  }

  onLanguage(render);
  return { render };
}
