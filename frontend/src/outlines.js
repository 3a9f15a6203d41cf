/**
 * Outlines and points over the map, on a canvas of their own.
 *
 * OpenLayers' vector layers do far more than that, and are a quarter of its script.
 */
import Layer from 'ol/layer/Layer.js';

/** @typedef {import('ol/coordinate.js').Coordinate} Coordinate */

/**
 * @typedef {object} Look drawn in this order: inside, then lines, the first at the bottom
 * @property {string} [inside] colour
 * @property {{colour: string, width: number, dash?: number[]}[]} lines pixels
 */

/** @typedef {{look: Look, rings: readonly (readonly Coordinate[])[]}} Outline closed rings, EPSG:3857 */
/** @typedef {{look: Look, places: readonly Coordinate[], radius: number}} Points EPSG:3857; radius in pixels */
/** @typedef {ReturnType<typeof createOutlines>} Outlines */

/**
 * @param {import('ol/Map.js').default} map
 * @param {number} zIndex
 */
export function createOutlines(map, zIndex) {
  /** @type {readonly (Outline | Points)[]} */
  let marks = [];
  const canvas = document.createElement('canvas');
  canvas.className = 'outlines ol-layer';

  const layer = new Layer({
    zIndex,
    render({ size: [width, height], pixelRatio, coordinateToPixelTransform: [a, b, c, d, e, f] }) {
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      canvas.width = Math.round(width * pixelRatio);
      canvas.height = Math.round(height * pixelRatio);
      // As OpenLayers' own canvases say how large a pixel of theirs is: pictures of the map read it there.
      canvas.style.transform = `scale(${1 / pixelRatio})`;
      context.scale(pixelRatio, pixelRatio);
      context.lineJoin = context.lineCap = 'round';
      for (const mark of marks) {
        const path = pathOf(mark, ([x, y]) => [a * x + c * y + e, b * x + d * y + f]);
        draw(context, path, mark.look);
      }
      return canvas;
    },
  });
  map.addLayer(layer);

  return {
    /** Takes the place of what was shown. @param {...(Outline | Points)} next the first at the bottom */
    show(...next) {
      marks = next;
      layer.changed();
    },

    dispose: () => map.removeLayer(layer),
  };
}

/**
 * @param {Outline | Points} mark
 * @param {(place: Coordinate) => number[]} pixelOf
 */
function pathOf(mark, pixelOf) {
  const path = new Path2D();
  if ('places' in mark) {
    for (const [x, y] of mark.places.map(pixelOf)) {
      path.moveTo(x + mark.radius, y);
      path.arc(x, y, mark.radius, 0, 2 * Math.PI);
    }
    return path;
  }
  for (const ring of mark.rings) {
    for (const [i, place] of ring.entries()) {
      const [x, y] = pixelOf(place);
      // A line from a ring closed would begin where that one does.
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
    path.closePath();
  }
  return path;
}

/** @param {CanvasRenderingContext2D} context @param {Path2D} path @param {Look} look */
function draw(context, path, { inside, lines }) {
  if (inside) {
    context.fillStyle = inside;
    context.fill(path, 'evenodd');
  }
  for (const { colour, width, dash = [] } of lines) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke(path);
  }
}
