/** The panel beside the map: its tabs, its fold on small screens. */
import { byId } from './dom.js';
import { TABS } from './state.js';

/** @typedef {import('./state.js').Tab} Tab */

/** Those that show the zone. @type {readonly Tab[]} */
const WITH_ZONE = ['zone', 'predict'];

/** @param {(tab: Tab) => void} onTab */
export function createPanel(onTab) {
  const app = byId('app', HTMLElement);
  const fold = byId('fold', HTMLButtonElement);
  const buttons = TABS.map((tab) => byId(`tab-${tab}`, HTMLButtonElement));
  const zoneField = byId('zone-field', HTMLElement);
  const panels = TABS.map((tab) => byId(`panel-${tab}`, HTMLElement));

  for (const [i, button] of buttons.entries()) {
    button.addEventListener('click', () => {
      setFolded(false);
      onTab(TABS[i]);
    });
    button.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (i + step + TABS.length) % TABS.length;
      onTab(TABS[next]);
      buttons[next].focus();
    });
  }

  /** @param {boolean} folded */
  function setFolded(folded) {
    app.classList.toggle('folded', folded);
    fold.setAttribute('aria-expanded', String(!folded));
  }

  fold.addEventListener('click', () => setFolded(!app.classList.contains('folded')));

  return {
    /** @param {Tab} tab */
    show(tab) {
      for (const [i, name] of TABS.entries()) {
        const selected = name === tab;
        buttons[i].setAttribute('aria-selected', String(selected));
        buttons[i].tabIndex = selected ? 0 : -1;
        panels[i].hidden = !selected;
      }
      if (WITH_ZONE.includes(tab)) byId(`zone-of-${tab}`, HTMLElement).append(zoneField);
    },
    /** Small screens only: elsewhere the panel is always open. */
    setFolded,
  };
}
