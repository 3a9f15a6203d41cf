/** How zones look on the map: readable on forest and on concrete, hence a dark line on a light one. */

/** @typedef {import('./outlines.js').Look} Look */

const LIGHT = '#ffffff';
const DARK = '#0f3b35';

const halo = { colour: LIGHT, width: 5 };
const line = { colour: DARK, width: 2.5 };

/** @type {Look} */
export const zoneLook = { lines: [halo, line] };

/** @type {Look} */
export const sketchLook = { inside: 'rgb(255 255 255 / 0.25)', lines: [halo, { ...line, dash: [8, 6] }] };

/** @type {Look} */
export const cornerLook = { inside: LIGHT, lines: [line] };

/** Of the vertex that buttons and keys are for. @type {Look} */
export const chosenLook = { inside: DARK, lines: [{ colour: LIGHT, width: 6 }, line] };
