/** How zones look on the map: readable on forest and on concrete, hence a dark line on a light one. */
import CircleStyle from 'ol/style/Circle.js';
import Fill from 'ol/style/Fill.js';
import Stroke from 'ol/style/Stroke.js';
import Style from 'ol/style/Style.js';

const LIGHT = '#ffffff';
const DARK = '#0f3b35';

const halo = new Style({ stroke: new Stroke({ color: LIGHT, width: 5 }) });

export const zoneStyle = [halo, new Style({ stroke: new Stroke({ color: DARK, width: 2.5 }) })];

export const sketchStyle = [
  new Style({ fill: new Fill({ color: 'rgb(255 255 255 / 0.25)' }), stroke: new Stroke({ color: LIGHT, width: 5 }) }),
  new Style({
    stroke: new Stroke({ color: DARK, width: 2.5, lineDash: [8, 6] }),
    image: new CircleStyle({
      radius: 6,
      fill: new Fill({ color: LIGHT }),
      stroke: new Stroke({ color: DARK, width: 2.5 }),
    }),
  }),
];
