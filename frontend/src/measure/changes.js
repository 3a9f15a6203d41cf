/** What changed between two vintages in a zone or the view: which two, the figures, the map. */
import { byId, element, say } from '../dom.js';
import { failureText } from '../failure.js';
import { t } from '../i18n.js';
import { tableOf } from '../look.js';
import { sizeText } from '../shares.js';
import { viewZone } from '../viewzone.js';
import { createAsking } from './asking.js';
import { choiceOf, comparable, textOf, usualPair } from './changechoice.js';
import { createChangeMap } from './changemap.js';
import { createChangesPanel } from './changespanel.js';
import { changesOf } from './counting.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').Zone} Zone */
/** @typedef {import('./changechoice.js').ChangeChoice} ChangeChoice */

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {import('../state.js').Store} options.store
 * @param {import('../scene.js').Scene} options.scene
 * @param {() => void} options.onLoaded the changes came on the map
 * @param {(error: unknown) => void} options.onTileError
 * @param {(text: string) => void} options.announce
 */
export function createChanges(map, { store, scene, onLoaded, onTileError, announce }) {
  const root = byId('changes', HTMLElement);
  const from = byId('changes-from', HTMLSelectElement);
  const to = byId('changes-to', HTMLSelectElement);
  const shown = byId('changes-shown', HTMLInputElement);
  const mapError = byId('changes-map-error', HTMLElement);
  const mapNote = byId('changes-map-note', HTMLElement);
  const all = byId('changes-all', HTMLButtonElement);
  const badge = byId('changes-badge', HTMLElement);
  let offered = '';

  const changeMap = createChangeMap(map, { onLoaded, onTileError, onError: (error) => say(mapError, failureText(error)) });
  const panel = createChangesPanel({ onChoose: (only) => change({ shown: true, only }), announce });
  /** @type {ReturnType<typeof createAsking<import('./changespanel.js').Compared>>} */
  const asking = createAsking('changes-asking', {
    label: 'compareNow',
    onAnswer(compared) {
      panel.setCompared(compared);
      if (compared) announce(panel.summary());
    },
  });

  /** The layers one may choose from. */
  const layers = () => comparable(scene.collections(), scene.collection());

  /** The two that are compared: those of the address where they can be, else the usual ones. @returns {ChangeChoice | null} */
  function choice() {
    const offer = layers();
    const given = choiceOf(store.get().changes);
    if (given && given.from !== given.to && [given.from, given.to].every((id) => offer.some((layer) => layer.id === id))) return given;
    const usual = usualPair(offer);
    return usual && { from: usual[0].id, to: usual[1].id, shown: false, only: null };
  }

  /** @param {Partial<ChangeChoice>} patch */
  function change(patch) {
    const now = choice();
    if (now) store.set({ changes: textOf({ ...now, ...patch }) });
  }

  from.addEventListener('change', () => choose('from', 'to', from.value));
  to.addEventListener('change', () => choose('to', 'from', to.value));
  shown.addEventListener('change', () => change({ shown: shown.checked, only: null }));
  for (const button of [byId('changes-hide', HTMLButtonElement), all]) {
    button.addEventListener('click', () => change({ shown: button === all, only: null }));
  }

  /** One side chosen; where it is the layer of the other side, they change places. @param {'from' | 'to'} side @param {'from' | 'to'} other @param {string} id */
  function choose(side, other, id) {
    const now = choice();
    if (now) change({ [side]: id, [other]: now[other] === id ? now[side] : now[other], only: null });
  }

  /** @param {ChangeChoice | null} chosen @returns {[Collection, Collection] | null} */
  function pairOf(chosen) {
    const [a, b] = [chosen?.from, chosen?.to].map((id) => scene.collections().find((layer) => layer.id === id));
    return a && b ? [a, b] : null;
  }

  function showSelects() {
    const now = JSON.stringify(layers().map(({ id, title }) => [id, title]));
    if (now === offered) return;
    offered = now;
    for (const select of [from, to]) select.replaceChildren(...layers().map(({ id, title }) => element('option', { value: id }, title)));
  }

  return {
    /** Whether the changes are on the map, in place of the classes. */
    isShown: changeMap.isShown,
    retry: changeMap.retry,

    /**
     * @param {'zone' | 'view'} subject what is looked at
     * @param {Zone | null} drawn the zone
     * @param {boolean} byItself whether it is asked about without the button
     */
    render(subject, drawn, byItself) {
      const state = store.get();
      const chosen = choice();
      const pair = pairOf(chosen);
      const legend = scene.published.meaning()?.legend ?? { classes: [], families: [] };
      const { look, families, hidden, opacity } = state;
      root.hidden = pair === null;
      showSelects();
      [from.value, to.value] = [chosen?.from ?? '', chosen?.to ?? ''];
      asking.put(pair && questionOf(pair, subject, drawn), { byItself, again: subject === 'view' });
      changeMap.show(chosen?.shown && legend.classes.length > 0 ? pair : null, {
        key: JSON.stringify([look, families, hidden, chosen?.only]),
        colours: () => tableOf(legend, state, 'classes'),
        only: chosen?.only ?? null,
        opacity: opacity / 100,
      });
      if (!chosen?.shown) say(mapError, '');
      shown.checked = chosen?.shown ?? false;
      badge.hidden = !chosen?.shown;
      all.hidden = chosen?.only === null || chosen?.only === undefined;
      mapNote.textContent = chosen?.shown && pair ? noteText(pair) : '';
      panel.show(legend, state, chosen?.only ?? null);
    },

    /** What the map shows of them, in words; empty where it shows none. */
    words() {
      const chosen = choice();
      const pair = pairOf(chosen);
      return chosen?.shown && pair ? `${pair[0].title} → ${pair[1].title}. ${noteText(pair)}` : '';
    },
  };

  /** @param {[Collection, Collection]} pair */
  function noteText(pair) {
    const coarse_m = changeMap.coarse_m(pair[0]);
    return [t('changesColour', { layer: pair[1].title }), coarse_m ? t('changesCoarse', { size: sizeText(coarse_m) }) : ''].join(' ').trim();
  }

  /**
   * @param {[Collection, Collection]} pair
   * @param {'zone' | 'view'} subject
   * @param {Zone | null} drawn
   * @returns {import('./asking.js').Question<import('./changespanel.js').Compared>}
   */
  function questionOf(pair, subject, drawn) {
    const layersKey = pair.map(({ id, 'cosia:version': version }) => `${id} ${version}`).join();
    const ofZone = subject === 'zone' ? drawn : null;
    return {
      key: `${layersKey} ${JSON.stringify(ofZone)}`,
      async ask(signal, progress) {
        const changes = await changesOf(pair[0].id, pair[1].id, ofZone ?? viewZone(map), signal, progress);
        return { changes, pair, subject, at: new Date() };
      },
    };
  }
}
