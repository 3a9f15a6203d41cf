/** Addresses to give away: of what is seen, of the layer, of the prediction. All begin with what the service calls itself. */
import { permalinkOf } from '../history.js';
import { formatHash, INITIAL } from '../state.js';

/** @typedef {import('../state.js').State} State */
/** @typedef {import('../api.js').Job} Job */
/** @typedef {import('../api.js').Link} Link */
/**
 * Where other software finds something; an empty one is not to be had.
 *
 * @typedef {object} Addresses
 * @property {string} qgis layer definition, a file
 * @property {string} wmts capabilities
 * @property {string} name of the layer in them
 * @property {string} xyz template with {z}, {x}, {y}
 * @property {string} tilejson
 * @property {string} ogc tilesets of OGC API - Tiles
 * @property {string} stac the GeoTIFFs
 */

/**
 * What is seen, for anybody: the layer is named even if it is the newest now, a prediction by the name under which it can
 * only be read.
 *
 * @param {string} page public address of the page
 * @param {State} state
 * @param {object} seen
 * @param {string | undefined} seen.layer
 * @param {Job | null} seen.job
 */
export function linkOf(page, state, { layer, job }) {
  return page + formatHash({ ...state, layer: layer ?? state.layer, job: job && permalinkOf(job) });
}

/**
 * HTML that shows the map inside another site.
 *
 * @param {string} link of the map alone
 * @param {string} title
 */
export function snippetOf(link, title) {
  const frame = document.createElement('iframe');
  frame.setAttribute('src', link);
  frame.setAttribute('title', title);
  frame.setAttribute('width', '100%');
  frame.setAttribute('height', '480');
  frame.setAttribute('loading', 'lazy');
  return frame.outerHTML;
}

/** @param {State} state @returns {State} what of it there is in a map alone */
export const embedded = (state) => ({ ...state, tab: INITIAL.tab });

/** @param {import('../api.js').Collection} collection @returns {Addresses} */
export function layerAddresses({ id, links = [] }) {
  const href = (/** @type {(link: Link) => boolean} */ fits) => links.find(fits)?.href ?? '';
  return {
    qgis: href((link) => link.href.endsWith('.qlr')),
    wmts: href(({ rel }) => rel === 'wmts'),
    name: id,
    xyz: href(({ rel, templated }) => rel === 'item' && templated === true),
    tilejson: href((link) => link.href.endsWith('/tilejson.json')),
    ogc: href(({ rel }) => rel.endsWith('/tilesets-map')),
    stac: href((link) => link.href.includes('/stac/')),
  };
}

/**
 * @param {Job} job
 * @param {import('../api.js').TileJson} tiles of it
 * @param {import('../api.js').Results} results none while it runs
 * @returns {Addresses}
 */
export function jobAddresses({ links }, tiles, results) {
  return {
    qgis: results.qgis?.href ?? '',
    wmts: '',
    name: '',
    xyz: tiles.tiles[0],
    tilejson: links.find(({ rel }) => rel === 'tiles')?.href ?? '',
    ogc: '',
    stac: results.stac?.href ?? '',
  };
}
