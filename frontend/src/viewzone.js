/** What the map shows, as a zone. */
import { transformExtent } from 'ol/proj.js';

import { rounded } from './ring.js';

/** @param {import('ol/Map.js').default} map @returns {import('./api.js').Zone} counter-clockwise, as RFC 7946 asks */
export function viewZone(map) {
  const [west, south, east, north] = rounded(transformExtent(map.getView().calculateExtent(map.getSize()), 'EPSG:3857', 'EPSG:4326'));
  return { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
}
