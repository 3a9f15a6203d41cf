/** The mark on the map of a place that was looked for. */
import { fromLonLat } from 'ol/proj.js';

import { Z_INDEX } from '../map.js';
import { createOutlines } from '../outlines.js';

const LIGHT = '#ffffff';
const DARK = '#0f3b35';

// A dark ring on a light one, and what lies there between it and a point in its middle.
const RING = { lines: [{ colour: LIGHT, width: 7 }, { colour: DARK, width: 3 }] };
const POINT = { inside: DARK, lines: [{ colour: LIGHT, width: 2 }] };

/** @param {import('ol/Map.js').default} map */
export function createPlacemark(map) {
  const outlines = createOutlines(map, Z_INDEX.place);
  return {
    /** @param {[number, number]} place lon, lat */
    show(place) {
      const places = [fromLonLat(place)];
      outlines.show({ look: RING, places, radius: 13 }, { look: POINT, places, radius: 3 });
    },
    clear: () => outlines.show(),
  };
}
