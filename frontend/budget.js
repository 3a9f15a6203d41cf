// Fails when the built page is heavier than its budget. Kilobytes of 1000 bytes, gzip level 9.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const FOLDER = new URL('../app/page/assets/', import.meta.url);
const LIMITS_KB = { '.js': 140, '.css': 8 };

for (const [ending, limit_kb] of Object.entries(LIMITS_KB)) {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(ending));
  const size_kb = files.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, FOLDER)), { level: 9 }).length, 0) / 1000;
  const withinBudget = files.length > 0 && size_kb <= limit_kb;
  console.log(`${ending}: ${size_kb.toFixed(1)} kB gz of ${limit_kb}${withinBudget ? '' : '  OVER BUDGET'}`);
  if (!withinBudget) process.exitCode = 1;
}
