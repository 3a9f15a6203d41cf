/** Where most of the view is not mapped, that is said on the map, and its prediction offered. */
import { transformExtent } from 'ol/proj.js';

import { byId } from './dom.js';
import { mappedShare } from './shares.js';

// So that the edge of a layer does not ask for it.
const MOSTLY = 0.5;

/**
 * @param {import('ol/Map.js').default} map
 * @param {object} options
 * @param {() => boolean} options.isWelcome whether the visitor looks at the map and does nothing else
 * @param {(view: import('./api.js').Zone) => void} options.onAccept
 */
export function createOffer(map, { isWelcome, onAccept }) {
  const root = byId('unmapped', HTMLElement);
  let unmapped = false;

  byId('predict-view', HTMLButtonElement).addEventListener('click', () => {
    const [west, south, east, north] = transformExtent(map.getView().calculateExtent(map.getSize()), 'EPSG:3857', 'EPSG:4326');
    onAccept({ type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] });
  });

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
