import { expect, test } from 'vitest';

import { jobAddresses, layerAddresses, linkOf, snippetOf } from '../src/share/links.js';
import { INITIAL } from '../src/state.js';

const PAGE = 'https://maps.example.org/';
const JOB = /** @type {import('../src/api.js').Job} */ (
  /** @type {unknown} */ ({
    jobID: 'the-owner-s-own-id',
    links: [
      { rel: 'self', href: 'https://maps.example.org/api/jobs/the-owner-s-own-id' },
      { rel: 'bookmark', href: 'https://maps.example.org/api/jobs/for-reading' },
      { rel: 'tiles', href: 'https://maps.example.org/api/jobs/for-reading/tiles/tilejson.json' },
    ],
  })
);

test('a link begins with the public address and names the layer even where it is the newest', () => {
  const state = { ...INITIAL, view: { lon: 3.25, lat: 43.5, zoom: 15 }, hidden: [1, 8], swipe: 30, compare: 'layer:later' };

  expect(linkOf(PAGE, state, { layer: 'town-2021', job: null })).toBe(
    'https://maps.example.org/#view=15.00/43.50000/3.25000&layer=town-2021&compare=layer:later&swipe=30&hidden=1.8',
  );
});

test('a link to a prediction lets others look at it and no more', () => {
  const link = linkOf(PAGE, { ...INITIAL, job: JOB.jobID, tab: 'predict' }, { layer: 'town', job: JOB });

  expect(link).toBe('https://maps.example.org/#layer=town&tab=predict&job=for-reading');
});

test('of a prediction that is not on the map, a link says nothing', () => {
  expect(linkOf(PAGE, { ...INITIAL, job: JOB.jobID }, { layer: 'town', job: null })).not.toContain('job');
});

test('a snippet carries any title as text', () => {
  const snippet = snippetOf('https://maps.example.org/embed#layer=a&swipe=30', 'A "town" <script>');
  const holder = document.createElement('template');
  holder.innerHTML = snippet;
  const [frame, ...others] = holder.content.children;

  expect(others).toEqual([]);
  expect(frame.getAttribute('src')).toBe('https://maps.example.org/embed#layer=a&swipe=30');
  expect(frame.getAttribute('title')).toBe('A "town" <script>');
});

test('addresses of a layer are those that the service tells', () => {
  const link = (/** @type {string} */ rel, /** @type {string} */ path, templated = false) => ({ rel, href: PAGE + path, templated });
  const collection = /** @type {import('../src/api.js').Collection} */ ({
    id: 'town',
    title: 'Town',
    extent: { spatial: { bbox: [] } },
    links: [
      link('self', 'api/collections/town'),
      link('http://www.opengis.net/def/rel/ogc/1.0/tilesets-map', 'api/collections/town/map/tiles'),
      link('describedby', 'tiles/town/tilejson.json'),
      link('item', 'tiles/town/{z}/{x}/{y}.png?v=1', true),
      link('alternate', 'api/collections/town/layer.qlr'),
      link('alternate', 'api/stac/town'),
      link('wmts', 'wmts?SERVICE=WMTS&REQUEST=GetCapabilities'),
    ],
  });

  expect(layerAddresses(collection)).toEqual({
    qgis: `${PAGE}api/collections/town/layer.qlr`,
    wmts: `${PAGE}wmts?SERVICE=WMTS&REQUEST=GetCapabilities`,
    name: 'town',
    xyz: `${PAGE}tiles/town/{z}/{x}/{y}.png?v=1`,
    tilejson: `${PAGE}tiles/town/tilejson.json`,
    ogc: `${PAGE}api/collections/town/map/tiles`,
    stac: `${PAGE}api/stac/town`,
  });
});

test('a prediction that runs has tiles and no files yet', () => {
  const tiles = { tiles: [`${PAGE}api/jobs/for-reading/tiles/{z}/{x}/{y}.png`] };
  const found = jobAddresses(JOB, tiles, {});

  expect(found.xyz).toBe(tiles.tiles[0]);
  expect(found.tilejson).toBe(`${PAGE}api/jobs/for-reading/tiles/tilejson.json`);
  expect([found.qgis, found.wmts, found.stac]).toEqual(['', '', '']);
});
