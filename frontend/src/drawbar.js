/** The bar on the map while a zone is drawn: what to do next, its size, what is wrong, and buttons for every gesture. */
import { byId, say } from './dom.js';
import { createGauge } from './gauge.js';

/**
 * @param {object} gestures
 * @param {() => void} gestures.place
 * @param {() => void} gestures.undo
 * @param {() => void} gestures.cancel
 * @param {() => void} gestures.finish
 */
export function createDrawbar({ place, undo, cancel, finish }) {
  const root = byId('drawbar', HTMLElement);
  const stage = byId('stage', HTMLElement);
  const hintText = byId('draw-hint', HTMLElement);
  const errorSlot = byId('draw-error', HTMLElement);
  const undoButton = byId('draw-undo', HTMLButtonElement);
  const finishButton = byId('draw-finish', HTMLButtonElement);
  const gauge = createGauge(byId('draw-gauge', HTMLElement));

  byId('draw-place', HTMLButtonElement).addEventListener('click', place);
  byId('draw-cancel', HTMLButtonElement).addEventListener('click', cancel);
  undoButton.addEventListener('click', undo);
  finishButton.addEventListener('click', finish);

  return {
    gauge,
    show() {
      root.hidden = false;
      stage.classList.add('drawing');
      say(errorSlot, '');
    },
    /** @param {HTMLElement} before where the drawing began */
    hide(before) {
      // A hidden button keeps no focus.
      const hadFocus = root.contains(document.activeElement);
      root.hidden = true;
      stage.classList.remove('drawing');
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
    /** @param {{canUndo: boolean, canFinish: boolean}} what */
    enable({ canUndo, canFinish }) {
      undoButton.disabled = !canUndo;
      finishButton.disabled = !canFinish;
    },
  };
}
