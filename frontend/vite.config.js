import { defineConfig } from 'vite';

// Vite's own loads styles and other chunks before a chunk: ours have none, and every script is within a budget.
const plainImport = {
  name: 'plain-import',
  enforce: 'pre',
  load: (id) => (id.includes('vite/preload-helper') ? 'export const __vitePreload = (load) => load();' : undefined),
};

export default defineConfig({
  plugins: [plainImport],
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
