import { defineConfig } from 'vite';

import en from './src/locales/en.js';
import fr from './src/locales/fr.js';
import { faultsOf, ownSources } from './texts.js';

// Vite's own loads styles and other chunks before a chunk: ours have none, and every script is within a budget.
const plainImport = {
  name: 'plain-import',
  enforce: 'pre',
  load: (id) => (id.includes('vite/preload-helper') ? 'export const __vitePreload = (load) => load();' : undefined),
};

const refuse = (what) => `{ throw new Error('${what} are left out of this build: see vite.config.js'); }`;

// Parts of OpenLayers that others import and this page never runs, 27 kB compressed; each says so if that changes.
const UNUSED = {
  'control/defaults.js': `export function defaults() ${refuse('default controls')}`,
  'layer/BaseVector.js': `export default class { constructor() ${refuse('vector layers')} }`,
  // Every projection that is asked for by name is offered to it first.
  'proj/utm.js': 'export const makeProjection = () => null; export const makeTransforms = () => null;',
  'reproj/DataTile.js': `export default class { constructor() ${refuse('other projections')} }`,
  'reproj/Tile.js': `export default class { constructor() ${refuse('other projections')} }`,
};

const leaner = {
  name: 'leaner',
  enforce: 'pre',
  load: (id) => UNUSED[id.split('/node_modules/ol/')[1]],
};

const wholeTexts = {
  name: 'whole-texts',
  apply: 'build',
  buildStart() {
    const faults = faultsOf({ fr, en }, ownSources());
    if (faults.length > 0) this.error(`the page's texts do not fit together:\n  ${faults.join('\n  ')}`);
  },
};

export default defineConfig({
  plugins: [plainImport, leaner, wholeTexts],
  build: {
    outDir: '../app/page',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows neither inline scripts nor data: styles.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ['index.html', 'docs.html'] },
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/tiles', '/imagery', '/wmts'].map((path) => [path, 'http://127.0.0.1:8000']),
    ),
  },
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.js'],
  },
});
