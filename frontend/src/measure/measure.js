/** The tab of the zone: what it, or the view, is made of, and what changed in it. */
import { zoneArea_m2 } from '../area.js';
import { byId } from '../dom.js';
import { areaText, onLanguage, t } from '../i18n.js';
import { viewZone } from '../viewzone.js';
import { createAreasPanel } from './areaspanel.js';
import { createAsking } from './asking.js';
import { createChanges } from './changes.js';
import { areasOf } from './counting.js';
import { createZoneShares } from './zoneshares.js';

/** @typedef {import('../api.js').Zone} Zone */
/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').MeasuredAreas} MeasuredAreas */
/** @typedef {import('../state.js').State} State */
/** @typedef {import('./provenance.js').Subject} Subject */

// Beyond it the service may need a job: that is for the visitor to ask.
const MOST_BY_ITSELF_M2 = 50e6;
const MOST_KEPT = 8;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {import('../state.js').Store} options.store
 * @param {import('../scene.js').Scene} options.scene
 * @param {() => Zone | null} options.zone
 * @param {(shares: import('./zoneshares.js').ZoneShares) => void} options.onZoneShares
 * @param {() => void} options.onChangesLoaded they came on the map
 * @param {(error: unknown) => void} options.onTileError
 * @param {(text: string) => void} options.announce
 */
export function createMeasure(map, { store, scene, zone, onZoneShares, onChangesLoaded, onTileError, announce }) {
  const root = byId('measure', HTMLElement);
  const what = byId('measure-what', HTMLElement);
  const subjects = /** @type {HTMLInputElement[]} */ ([...byId('subject', HTMLElement).querySelectorAll('input')]);
  const areas = createAreasPanel({ onChange: store.set, announce });
  const changes = createChanges(map, { store, scene, onLoaded: onChangesLoaded, onTileError, announce });
  const zoneShares = createZoneShares(onZoneShares);
  /** @type {Subject} as chosen; without a zone it is the view */
  let wanted = 'zone';
  /** @type {Zone | null} the view as it was counted */
  let countedView = null;
  /** @type {Map<string, MeasuredAreas>} the latest answers about zones */
  const kept = new Map();

  /** @type {ReturnType<typeof createAsking<import('./areaspanel.js').Measured>>} */
  const asking = createAsking('zone-areas-asking', {
    label: 'measure',
    onAnswer(measured) {
      areas.setMeasured(measured);
      if (measured) announce(t('measured', { area: areaText(measured.figures.area_m2) }));
      describe();
    },
  });

  for (const radio of subjects) {
    radio.addEventListener('change', () => {
      wanted = /** @type {Subject} */ (radio.value);
      render();
    });
  }

  /** @returns {Subject} */
  const subject = () => (zone() ? wanted : 'view');

  /** @param {Collection} collection @param {Zone} asked */
  const keyOf = ({ id, 'cosia:version': version }, asked) => `${id} ${version} ${JSON.stringify(asked)}`;

  /**
   * Areas in a zone, asked for once.
   *
   * @param {Collection} collection
   * @param {Zone} asked
   * @returns {import('./asking.js').Question<MeasuredAreas>}
   */
  function question(collection, asked) {
    const key = keyOf(collection, asked);
    return {
      key,
      async ask(signal, progress) {
        const figures = kept.get(key) ?? (await areasOf(collection.id, asked, signal, progress));
        kept.set(key, figures);
        if (kept.size > MOST_KEPT) kept.delete([...kept.keys()][0]);
        return figures;
      },
    };
  }

  /** @param {Collection} collection @returns {import('./asking.js').Question<import('./areaspanel.js').Measured>} */
  function questionOfTab(collection) {
    const about = subject();
    const drawn = zone();
    return {
      key: about === 'zone' && drawn ? keyOf(collection, drawn) : `view of ${collection.id} ${collection['cosia:version']}`,
      async ask(signal, progress) {
        const asked = about === 'zone' && drawn ? drawn : viewZone(map);
        const figures = await question(collection, asked).ask(signal, progress);
        countedView = about === 'view' ? asked : null;
        return { figures, collection, subject: about, at: new Date() };
      },
    };
  }

  function render() {
    const { tab, shares } = store.get();
    const collection = scene.collection();
    const drawn = zone();
    root.hidden = !collection;
    for (const radio of subjects) {
      radio.checked = radio.value === subject();
      radio.disabled = radio.value === 'zone' && !drawn;
    }
    const small = drawn !== null && zoneArea_m2(drawn) <= MOST_BY_ITSELF_M2;
    const byItself = tab === 'zone' && subject() === 'zone' && small;
    asking.put(collection ? questionOfTab(collection) : null, { byItself, again: subject() === 'view' });
    changes.render(subject(), drawn, byItself);
    zoneShares.put(collection && drawn && small && shares === 'zone' ? question(collection, drawn) : null);
    areas.show(store.get(), scene.published.meaning()?.legend ?? { classes: [], families: [] });
    describe();
  }

  /** What is counted, in words. */
  function describe() {
    const title = scene.collection()?.title ?? '';
    const moved = countedView !== null && JSON.stringify(countedView) !== JSON.stringify(viewZone(map));
    what.textContent = `${t(subject() === 'zone' ? 'whatZone' : 'whatView', { layer: title })} ${moved && subject() === 'view' ? t('viewMoved') : ''}`;
  }

  onLanguage(render);
  return {
    render,
    /** Whether changes are on the map, in place of the classes. */
    showsChanges: changes.isShown,
    changesWords: changes.words,
    /** Asks again for the tiles that could not be had. */
    retry: changes.retry,
  };
}
