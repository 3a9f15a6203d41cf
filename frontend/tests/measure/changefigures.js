/** Changes worked out by hand: 10 ha compared, of which 2.5 ha changed. */

const words = (/** @type {number} */ value, /** @type {string} */ title_fr, /** @type {string} */ title_en) => ({
  value, code: title_en, title_fr, title_en, colour: '#405060',
});

/** @returns {import('../../src/api.js').Changes} */
export function changes() {
  return {
    from: { layer: 'a', title: 'Carte 2021', vintage: 2021, model: 'm' },
    to: { layer: 'b', title: 'Carte 2024', vintage: 2024, model: 'm' },
    asked_m2: 100_000,
    compared_m2: 100_000,
    changed_m2: 25_000,
    changed_on_borders_share: 0.2,
    resolution_m: 0.2,
    classes: [
      { ...words(1, 'Bâtiment', 'building'), from_m2: 20_000, to_m2: 35_000, gained_m2: 16_000, lost_m2: 1000 },
      { ...words(5, 'Eau', 'water'), from_m2: 10_000, to_m2: 12_000, gained_m2: 5000, lost_m2: 3000 },
      { ...words(12, 'Terre labourée', 'plowed land'), from_m2: 70_000, to_m2: 53_000, gained_m2: 4000, lost_m2: 21_000 },
    ],
    transitions: [
      { from: 1, to: 1, area_m2: 19_000 },
      { from: 1, to: 12, area_m2: 1000 },
      { from: 5, to: 5, area_m2: 7000 },
      { from: 5, to: 12, area_m2: 3000 },
      { from: 12, to: 1, area_m2: 16_000 },
      { from: 12, to: 5, area_m2: 5000 },
      { from: 12, to: 12, area_m2: 49_000 },
    ],
  };
}
