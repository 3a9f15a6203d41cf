/** Where most of the view is not mapped, that is said on the map, and its prediction offered. */
import { byId } from './dom.js';
import { mappedShare } from './shares.js';

// So that the edge of a layer does not ask for it.
const MOSTLY = 0.5;

/**
 * @param {object} options
 * @param {() => boolean} options.isWelcome whether the visitor looks at the map and does nothing else
 * @param {() => void} options.onAccept
 */
export function createOffer({ isWelcome, onAccept }) {
  const root = byId('unmapped', HTMLElement);
  let unmapped = false;

  byId('predict-view', HTMLButtonElement).addEventListener('click', onAccept);

  function render() {
    root.hidden = !unmapped || !isWelcome();
  }

  return {
    render,

    /** @param {import('./shares.js').Count | null} count of the view; null where no layer is */
    setCount(count) {
      unmapped = count !== null && mappedShare(count) < MOSTLY;
      render();
    },
  };
}
