import { beforeEach, expect, test } from 'vitest';

import { createStore, formatHash, INITIAL, parseHash } from '../src/state.js';

beforeEach(() => window.history.replaceState(null, '', '/'));

test('a state comes back from its own hash', () => {
  /** @type {import('../src/state.js').State} */
  const state = {
    view: { lon: 3.26612, lat: 43.55734, zoom: 16.25 },
    layer: 'cosia-demo-2021',
    opacity: 40,
    background: 'infrared',
    imagery: 'demo-2024',
    compare: 'layer:cosia-demo-2024',
    swipe: 25,
    look: 'patterns',
    families: true,
    hidden: [3, 12],
    shares: 'zone',
    zone: 'zhiAygrkiDkqk-3vgDAAgrDgrDA_.uU',
    changes: 'cosia-demo-2021/cosia-demo-2024/12-1',
    tab: 'predict',
    job: '7d2b1c9e-3f60-4a53-9d52-0c8f5f1f0a11',
    jobOpacity: 30,
  };

  expect(parseHash(formatHash(state))).toEqual(state);
});

test('a link is readable', () => {
  const state = { ...INITIAL, view: { lon: 3.266123456, lat: 43.557, zoom: 16 }, hidden: [1, 8] };

  expect(formatHash(state)).toBe('#view=16.00/43.55700/3.26612&hidden=1.8');
});

test('an empty hash is the initial state', () => {
  expect(parseHash('')).toEqual(INITIAL);
});

test.each([
  '#view=99/43/3',
  '#view=16/x/3',
  '#view=16/43',
  '#changes=one',
  '#changes=one/two/three',
  '#opacity=101',
  '#opacity=',
  '#job-opacity=-1',
  '#background=satellite',
  '#compare=satellite:x',
  '#compare=layer:../etc',
  '#swipe=101',
  '#look=pink',
  '#families=1',
  '#hidden=0.-1.a.300.1,5',
  '#layer=../etc',
  '#job=<img src=x>',
  '#zone=AB',
  '#zone=<script>alert(1)</script>',
  '#tab=admin',
])('%s has nothing that is taken over', (hash) => {
  expect(parseHash(hash)).toEqual(INITIAL);
});

test('a change is told once, with what was before, and shown in the address', () => {
  const store = createStore(window);
  /** @type {[number, number][]} */
  const heard = [];
  store.subscribe((state, before) => heard.push([before.opacity, state.opacity]));

  store.set({ opacity: 20 });

  expect(heard).toEqual([[65, 20]]);
  expect(window.location.hash).toBe('#opacity=20');
});

test('a job makes a step of the history, so that the back button leaves it; a slider makes none', () => {
  const store = createStore(window);
  const before = window.history.length;

  store.set({ opacity: 20 });
  expect(window.history.length).toBe(before);

  store.set({ job: 'a-job' });
  expect(window.history.length).toBe(before + 1);
});

test('another address typed in changes the state', () => {
  const store = createStore(window);
  window.history.replaceState(null, '', '#opacity=10&tab=predict');
  window.dispatchEvent(new Event('hashchange'));

  expect(store.get()).toMatchObject({ opacity: 10, tab: 'predict' });
});
