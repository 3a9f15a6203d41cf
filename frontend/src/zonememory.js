/** What of a zone outlives a reload: the zone itself, and one not finished. Kept for this tab of the browser only. */

/**
 * What is being drawn, its vertices in EPSG:3857, or a zone being changed.
 *
 * @typedef {{shape: import('./sketch.js').Shape, vertices: number[][]} | {zone: import('./api.js').Zone}} Unfinished
 */

/** @typedef {{zone: import('./api.js').Zone, sketch: Unfinished}} Memory */

/** @template {keyof Memory} Name @param {Name} name @param {Memory[Name] | null} value null to forget */
export function remember(name, value) {
  try {
    if (value) sessionStorage.setItem(`cosia.${name}`, JSON.stringify(value));
    else sessionStorage.removeItem(`cosia.${name}`);
  } catch {
    // storage forbidden by the visitor's settings, or full: it lasts as long as the page
  }
}

/** @template {keyof Memory} Name @param {Name} name @returns {Memory[Name] | null} */
export function recalled(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`cosia.${name}`) ?? 'null');
  } catch {
    return null;
  }
}
