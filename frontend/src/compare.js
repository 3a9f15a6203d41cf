/** What is right of the divider: another published layer over its own imagery, or imagery alone. */
import { byId, element, say } from './dom.js';
import { failureText } from './failure.js';
import { t } from './i18n.js';
import { styleOf } from './look.js';
import { collectionBbox, createPublished } from './published.js';

/** @typedef {import('./api.js').Collection} Collection */
/** @typedef {import('./api.js').Choice} Choice */
/** @typedef {import('./state.js').State} State */
/** @typedef {{title: string, collection?: Collection, source?: Choice, style: State['background']}} Compared */

const STYLES = /** @type {const} */ (['natural', 'infrared']);

/**
 * What a state compares with; null where that is nothing, or nothing there is.
 *
 * @param {State} state
 * @param {readonly Collection[]} collections
 * @param {readonly Choice[]} sources
 * @param {Collection | undefined} current left of the divider
 * @returns {Compared | null}
 */
export function comparedWith({ compare, background, imagery }, collections, sources, current) {
  const [kind, id] = (compare ?? '').split(':');
  if (kind === 'layer') {
    const collection = collections.find((other) => other.id === id && id !== current?.id);
    if (!collection) return null;
    const wanted = imagery ?? collection['cosia:imagery'];
    return { title: collection.title, collection, source: sources.find(({ value }) => value === wanted), style: background };
  }
  const style = STYLES.find((name) => name === kind);
  const source = style && sources.find(({ value }) => value === id);
  return style && source ? { title: imageryTitle(source, style), source, style } : null;
}

/** @param {Choice} source @param {'natural' | 'infrared'} style */
const imageryTitle = ({ title }, style) => `${title}, ${t(style).toLocaleLowerCase()}`;

/** @param {Choice} source */
const stylesOf = ({ 'cosia:bands': bands }) => STYLES.filter((style) => style === 'natural' || !bands || bands.includes('NIR'));

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {() => State} options.current
 * @param {(patch: Partial<State>) => void} options.onChange
 * @param {() => void} options.onLoaded another layer is on the map
 * @param {(error: unknown) => void} options.onTileError
 */
export function createComparison(pageMap, { current, onChange, onLoaded, onTileError }) {
  const select = byId('compare', HTMLSelectElement);
  const slot = byId('compare-error', HTMLElement);
  const other = createPublished(pageMap, { side: 'right', onTileError });
  let shown = '';
  let offered = '';

  select.addEventListener('change', () => onChange({ compare: select.value || null }));

  /** @param {readonly [string, string][]} choices value and title */
  const options = (choices) => choices.map(([value, title]) => element('option', { value }, title));

  return {
    layer: other.layer,
    meaning: other.meaning,
    paint: other.paint,

    /**
     * @param {readonly Collection[]} collections
     * @param {readonly Choice[]} sources
     * @param {Collection | undefined} current left of the divider
     * @param {string | null} chosen
     */
    offer(collections, sources, current, chosen) {
      const layers = collections.filter(({ id }) => id !== current?.id).map(({ id, title }) => [`layer:${id}`, title]);
      const pictures = sources.flatMap((source) =>
        stylesOf(source).map((style) => [`${style}:${source.value}`, imageryTitle(source, style)]),
      );
      const groups = /** @type {[string, [string, string][]][]} */ ([[t('layers'), layers], [t('imagery'), pictures]]);
      const now = JSON.stringify(groups);
      if (now !== offered) {
        offered = now;
        select.replaceChildren(
          ...options([['', t('compareNothing')]]),
          ...groups.filter(([, choices]) => choices.length > 0).map(([label, choices]) => element('optgroup', { label }, ...options(choices))),
        );
      }
      select.value = chosen ?? '';
      if (select.selectedIndex < 0) select.value = '';
    },

    /**
     * Puts it on the map, or takes what is there away.
     *
     * @param {Compared | null} compared
     * @param {State} state
     */
    async show(compared, state) {
      const { collection, source, style = 'none' } = compared ?? {};
      const bbox = source?.['cosia:bbox'] ?? (collection && collectionBbox(collection));
      pageMap.setOtherImagery(source && bbox && style !== 'none' ? { source: source.value, style, bbox } : null);
      const tiles = collection && styleOf(collection, state.look);
      const now = collection ? `${collection.id} ${collection['cosia:version']} ${tiles}` : '';
      if (now === shown) return;
      shown = now;
      say(slot, '');
      if (!collection || !tiles) {
        other.clear();
        return;
      }
      try {
        if (await other.load(collection, tiles, current)) onLoaded();
      } catch (error) {
        say(slot, failureText(error));
      }
    },
  };
}
