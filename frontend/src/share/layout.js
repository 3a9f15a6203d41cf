/**
 * Where everything stands on a picture of the map: title, map, legend, scale, north, corners, sources.
 *
 * Lengths are pixels of the picture, counted from its upper left corner; `unit` is one pixel of the screen.
 */

/** @typedef {{title: string, values: number[], figure: string}} Row of the legend; figure: its area, or empty */
/**
 * What is written around a map.
 *
 * @typedef {object} Words
 * @property {string} title
 * @property {string[]} under lines below the title
 * @property {string} warning such as that the data are for demonstration; may be empty
 * @property {string} legend
 * @property {Row[]} rows
 * @property {string} scale length of the scale bar
 * @property {string[]} foot sentences, broken into lines here
 */
/** @typedef {{size_px: number, bold?: boolean, colour?: string, align?: CanvasTextAlign}} Type */
/** @typedef {{text: string, x: number, y: number} & Type} Text y: of its base line */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/**
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {Box} map
 * @property {{box: Box, values: number[]}[]} swatches
 * @property {Text[]} texts
 * @property {Box} bar of the scale
 * @property {Box} north
 */

const INK = '#16211f';
const GREY = '#55625f';
const RED = '#a3261b';

const MARGIN = 24;
const ROW = 24;
const SWATCH = [22, 15];
const LINE = 19;
const LEGEND_GAP = 24;

// Below, the legend stands under the map, in as many columns as there is room for.
const LEAST_BESIDE = 620;

/**
 * @param {object} options
 * @param {{width: number, height: number}} options.map
 * @param {number} options.bar_px length of the scale bar
 * @param {number} options.unit
 * @param {Words} options.words
 * @param {(text: string, type: Type) => number} options.measure width of a text
 * @returns {Layout}
 */
export function layoutOf({ map, bar_px, unit, words, measure }) {
  const px = (/** @type {number} */ screen) => Math.round(screen * unit);
  const [margin, row] = [px(MARGIN), px(ROW)];
  /** @type {Text[]} */
  const texts = [];
  const beside = map.width >= px(LEAST_BESIDE);
  const widest = (/** @type {string[]} */ all) => Math.ceil(Math.max(0, ...all.map((text) => measure(text, { size_px: px(14) }))));
  const titles = widest(words.rows.map(({ title }) => title));
  const figures = widest(words.rows.map(({ figure }) => figure));
  const legendWidth = words.rows.length > 0 ? px(SWATCH[0] + 10) + titles + (figures > 0 ? px(16) + figures : 0) : 0;
  const mapWidth = Math.max(map.width, px(300));
  const width = 2 * margin + mapWidth + (beside && legendWidth > 0 ? px(LEGEND_GAP) + legendWidth : 0);
  const inner = width - 2 * margin;

  let y = margin;
  /** @param {string} text @param {Type} type @param {number} height */
  function write(text, type, height) {
    for (const line of linesOf(text, inner, (part) => measure(part, type))) {
      y += height;
      texts.push({ text: line, x: margin, y: y - Math.round(height * 0.28), ...type });
    }
  }

  if (words.title) write(words.title, { size_px: px(24), bold: true, colour: INK }, px(32));
  for (const line of words.under) write(line, { size_px: px(14), colour: GREY }, px(LINE));
  if (words.warning) write(words.warning, { size_px: px(14), bold: true, colour: RED }, px(LINE));
  y += px(10);

  const mapBox = { x: margin, y, ...map };
  const columns = beside ? 1 : Math.max(1, Math.floor(inner / (legendWidth + px(LEGEND_GAP))));
  const perColumn = Math.ceil(words.rows.length / columns);
  const legendHeight = words.rows.length > 0 ? px(24) + perColumn * row : 0;
  const marksTop = (beside ? y + Math.max(map.height, legendHeight) : y + map.height) + px(14);
  const legendLeft = beside ? margin + mapWidth + px(LEGEND_GAP) : margin;
  const legendTop = beside ? y : marksTop + px(48);
  const swatches = words.rows.map(({ title, values, figure }, i) => {
    const x = legendLeft + Math.floor(i / perColumn) * (legendWidth + px(LEGEND_GAP));
    const top = legendTop + px(24) + (i % perColumn) * row;
    texts.push({ text: title, x: x + px(SWATCH[0] + 10), y: top + px(12), size_px: px(14), colour: INK });
    if (figure) texts.push({ text: figure, x: x + legendWidth, y: top + px(12), size_px: px(14), colour: INK, align: 'right' });
    return { box: { x, y: top, width: px(SWATCH[0]), height: px(SWATCH[1]) }, values };
  });
  if (swatches.length > 0) texts.push({ text: words.legend, x: legendLeft, y: legendTop + px(14), size_px: px(14), bold: true, colour: INK });

  const north = { x: margin, y: marksTop, width: px(18), height: px(34) };
  const bar = { x: margin + px(40), y: marksTop + px(22), width: bar_px, height: px(7) };
  const small = { size_px: px(12), colour: INK };
  texts.push({ text: 'N', x: north.x + north.width / 2, y: north.y + north.height, size_px: px(13), bold: true, colour: INK, align: 'center' });
  texts.push({ text: '0', x: bar.x, y: bar.y - px(5), ...small });
  texts.push({ text: words.scale, x: bar.x + bar.width, y: bar.y - px(5), ...small });
  y = beside ? marksTop + px(42) : legendTop + legendHeight + px(4);
  for (const line of words.foot) write(line, { size_px: px(12), colour: GREY }, px(17));
  return { width, height: y + margin, map: mapBox, swatches, texts, bar, north };
}

/**
 * A text in lines that are wide enough; a word that is wider stands alone.
 *
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} measure
 */
export function linesOf(text, width, measure) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && measure(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The longest of 1, 2, 5, 10, 20, 50 … metres that is not longer. @param {number} most_m */
export function roundLength_m(most_m) {
  const power = 10 ** Math.floor(Math.log10(most_m));
  return [5, 2, 1].map((factor) => factor * power).find((length) => length <= most_m) ?? power;
}
