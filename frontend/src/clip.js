/** Drawing a layer only inside, or only outside, a zone: a prediction takes the place of the published map there. */
import { getRenderPixel } from 'ol/render.js';
import { unByKey } from 'ol/Observable.js';

/**
 * @param {import('ol/layer/Layer.js').default} layer
 * @param {import('ol/Map.js').default} map
 * @param {import('ol/coordinate.js').Coordinate[][]} rings EPSG:3857, holes included
 * @param {'inside' | 'outside'} side
 * @returns {() => void} draws the whole layer again
 */
export function clip(layer, map, rings, side) {
  const before = layer.on('prerender', (event) => {
    const context = /** @type {CanvasRenderingContext2D} */ (event.context);
    context.save();
    context.beginPath();
    if (side === 'outside') context.rect(0, 0, context.canvas.width, context.canvas.height);
    for (const ring of rings) {
      for (const [i, coordinate] of ring.entries()) {
        const [x, y] = getRenderPixel(event, map.getPixelFromCoordinate(coordinate));
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.closePath();
    }
    context.clip('evenodd');
  });
  const after = layer.on('postrender', (event) => {
    /** @type {CanvasRenderingContext2D} */ (event.context).restore();
  });
  layer.changed();
  return () => {
    unByKey([before, after]);
    layer.changed();
  };
}
