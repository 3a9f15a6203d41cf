/** The bar on the map while a zone is drawn or changed: what to do next, its size, what is wrong, a button for every gesture. */
import { byId, say } from './dom.js';
import { createGauge } from './gauge.js';
import { t } from './i18n.js';

const GESTURES = /** @type {const} */ (['place', 'take', 'add', 'remove', 'whole', 'undo', 'redo', 'cancel', 'finish']);
/** Those of one kind of work only. @type {Partial<Record<Gesture, Work>>} */
const ONLY = { place: 'draw', take: 'edit', add: 'edit', remove: 'edit', whole: 'edit', redo: 'edit' };

/** @typedef {typeof GESTURES[number]} Gesture */
/** @typedef {'draw' | 'edit'} Work */

/** @param {(gesture: Gesture) => void} onGesture */
export function createDrawbar(onGesture) {
  const root = byId('drawbar', HTMLElement);
  const stage = byId('stage', HTMLElement);
  const hintText = byId('draw-hint', HTMLElement);
  const errorSlot = byId('draw-error', HTMLElement);
  const gauge = createGauge(byId('draw-gauge', HTMLElement));
  const buttons = GESTURES.map((gesture) => /** @type {const} */ ([gesture, byId(`draw-${gesture}`, HTMLButtonElement)]));

  for (const [gesture, button] of buttons) {
    button.addEventListener('click', () => {
      if (button.ariaDisabled !== 'true') onGesture(gesture);
    });
  }

  return {
    gauge,
    /** @param {Work} work */
    show(work) {
      root.hidden = false;
      stage.classList.add('drawing');
      stage.classList.toggle('editing', work === 'edit');
      for (const [gesture, button] of buttons) button.hidden = (ONLY[gesture] ?? work) !== work;
      say(errorSlot, '');
    },
    /** @param {HTMLElement} before where the work began */
    hide(before) {
      // A hidden button keeps no focus.
      const hadFocus = root.contains(document.activeElement);
      root.hidden = true;
      stage.classList.remove('drawing', 'editing');
      if (hadFocus) before.focus();
    },
    /** @param {string} text */
    hint(text) {
      // Only when it changes: it is read out.
      if (hintText.textContent !== text) hintText.textContent = text;
    },
    /** @param {string} message empty where nothing is wrong */
    refuse(message) {
      if (errorSlot.textContent !== message) say(errorSlot, message);
    },
    /** @param {Partial<Record<Gesture, boolean>>} which */
    enable(which) {
      // Not `disabled`: a button that has the focus would lose it.
      for (const [gesture, button] of buttons) button.ariaDisabled = String(which[gesture] === false);
    },
    /** @param {'takeVertex' | 'putDown'} next what the button does to the chosen vertex @param {boolean} whole */
    label(next, whole) {
      const button = byId('draw-take', HTMLButtonElement);
      button.dataset.i18n = next;
      button.textContent = t(next);
      byId('draw-whole', HTMLButtonElement).ariaPressed = String(whole);
    },
  };
}
