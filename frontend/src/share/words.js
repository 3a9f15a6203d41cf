/** What is written around a map that leaves the page: it must be understood without it. */
import { toLonLat } from 'ol/proj.js';

import { entriesOf } from '../legend.js';
import { areaText, number, t } from '../i18n.js';
import { gridText, positionText } from '../readout.js';
import { shareText } from '../shares.js';
import { pixelOf } from './frame.js';
import { roundLength_m } from './layout.js';

/** @typedef {import('../api.js').Legend} Legend */
/** @typedef {import('../api.js').ClassArea} ClassArea */
/** @typedef {import('./layout.js').Row} Row */
/** @typedef {import('./frame.js').Frame} Frame */

// Values of a confidence: 0, 25, 50, 75 and 100 %; 0 itself is nothing.
const STEPS = [1, 64, 128, 191, 255];

// Of the width of the map.
const LONGEST_BAR = 0.25;

/**
 * @param {Legend} legend
 * @param {import('../look.js').Choice} choice
 * @param {import('../look.js').Style} style
 * @param {ReadonlySet<number> | null} seen values to tell of; null for all
 * @returns {Row[]}
 */
export function rowsOf(legend, choice, style, seen) {
  if (style === 'confidence') {
    return STEPS.map((value) => ({ title: number(Math.round((value / 255) * 4) / 4, { style: 'percent' }), values: [value], figure: '' }));
  }
  return entriesOf(legend, choice.families)
    .map(({ title, values }) => ({ title, values: values.filter((value) => !choice.hidden.includes(value)), figure: '' }))
    .filter(({ values }) => values.some((value) => seen === null || seen.has(value)));
}

/**
 * The same with the area of each, the largest first.
 *
 * @param {Row[]} rows
 * @param {readonly Pick<ClassArea, 'value' | 'area_m2' | 'share'>[]} areas
 * @returns {Row[]}
 */
export function measured(rows, areas) {
  return rows
    .map((row) => {
      const own = areas.filter(({ value }) => row.values.includes(value));
      const sum = (/** @type {(area: Pick<ClassArea, 'area_m2' | 'share'>) => number} */ of) => own.reduce((all, area) => all + of(area), 0);
      return { row, area_m2: sum(({ area_m2 }) => area_m2), share: sum(({ share }) => share) };
    })
    .sort((a, b) => b.area_m2 - a.area_m2)
    .map(({ row, area_m2, share }) => ({ ...row, figure: `${areaText(area_m2)} · ${shareText(share)}` }));
}

/** Metres on the ground along a pixel in the middle of a frame. @param {Frame} frame */
export function groundPixel_m(frame) {
  const [, south, , north] = frame.extent;
  const [, lat] = toLonLat([0, (south + north) / 2]);
  return pixelOf(frame) * Math.cos((lat * Math.PI) / 180);
}

/** A scale bar: its length in pixels and in words. @param {Frame} frame */
export function scaleBar(frame) {
  const pixel_m = groundPixel_m(frame);
  const length_m = roundLength_m(frame.width * LONGEST_BAR * pixel_m);
  const words = length_m < 1000 ? `${number(length_m)} m` : `${number(length_m / 1000)} km`;
  return { bar_px: length_m / pixel_m, words };
}

/** Where a frame is, by two of its corners. @param {Frame} frame */
export function cornersText({ extent: [left, bottom, right, top] }) {
  const place = (/** @type {number[]} */ corner) => {
    const [lon, lat] = toLonLat(corner);
    return [positionText(lon, lat), gridText(lon, lat)].filter(Boolean).join(' · ');
  };
  return t('pictureCorners', { southWest: place([left, bottom]), northEast: place([right, top]) });
}
