/** The map: its view, what lies under the classes, and the places of its layers. */
import { defaults as defaultInteractions } from 'ol/interaction/defaults.js';
import ScaleLine from 'ol/control/ScaleLine.js';
import OlMap from 'ol/Map.js';
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj.js';
import View from 'ol/View.js';

import { createImageryLayer } from './imagery.js';

/** Drawing order of the layers. */
export const Z_INDEX = { classes: 1, prediction: 2, changes: 3, zone: 10, place: 15, sketch: 20 };

const MIN_ZOOM = 4;
const MAX_ZOOM = 22;
const FRANCE = [-5.2, 41.3, 9.6, 51.1];

/** @typedef {{source: string, style: 'natural' | 'infrared', bbox: number[]}} Picture */
/** @typedef {ReturnType<typeof createMap>} PageMap */

/**
 * @param {object} options
 * @param {HTMLElement} options.target
 * @param {HTMLElement} options.scale where the scale bar goes
 * @param {boolean} options.patient whether wheel and finger move the map only once it has the focus, and else what is around it
 * @param {(error: unknown) => void} options.onError a tile could not be had
 */
export function createMap({ target, scale, patient, onError }) {
  // Its words have to find room in the bar.
  const rem_px = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const map = new OlMap({
    target,
    controls: [new ScaleLine({ target: scale, minWidth: 4 * rem_px })],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, onFocusOnly: patient }),
    view: new View({ enableRotation: false, minZoom: MIN_ZOOM, maxZoom: MAX_ZOOM }),
  });
  const view = map.getView();
  const animated = !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const duration_ms = animated ? 250 : 0;

  /** A place for one picture under the classes. */
  function pictureSlot() {
    /** @type {import('./imagery.js').ImageryLayer | null} */
    let imagery = null;
    let key = '';
    return {
      key: () => key,
      retry: () => imagery?.retry(),
      /** @param {import('./swipe.js').Side} side */
      setSide: (side) => imagery?.layer.set('side', side),
      /** @param {Picture | null} picture */
      set(picture) {
        const next = keyOf(picture);
        if (next === key) return;
        key = next;
        if (imagery) {
          map.removeLayer(imagery.layer);
          imagery.dispose();
        }
        imagery = picture && createImageryLayer({ ...picture, onError });
        if (imagery) map.addLayer(imagery.layer);
      },
    };
  }

  const imagery = pictureSlot();
  const otherImagery = pictureSlot();

  /** @param {number} delta levels */
  const zoomBy = (delta) => view.animate({ zoom: (view.getZoom() ?? MIN_ZOOM) + delta, duration: duration_ms });

  return {
    map,
    zoomIn: () => zoomBy(1),
    zoomOut: () => zoomBy(-1),

    /**
     * @param {number[]} bbox west, south, east, north in degrees
     * @param {boolean} [moving] whether the way there is shown
     */
    fit(bbox, moving = false) {
      view.fit(transformExtent(bbox, 'EPSG:4326', 'EPSG:3857'), {
        size: map.getSize(),
        padding: [24, 24, 24, 24],
        maxZoom: 19,
        duration: moving ? duration_ms : 0,
      });
    },

    fitFrance() {
      this.fit(FRANCE);
    },

    /** @param {{lon: number, lat: number, zoom: number}} place */
    goTo({ lon, lat, zoom }) {
      view.setCenter(fromLonLat([lon, lat]));
      view.setZoom(zoom);
    },

    /** Where the view is, or null before it is anywhere. */
    place() {
      const centre = view.getCenter();
      const zoom = view.getZoom();
      if (!centre || zoom === undefined) return null;
      const [lon, lat] = toLonLat(centre);
      return { lon, lat, zoom };
    },

    /** Puts a picture under the classes, or nothing. @param {Picture | null} picture */
    setImagery: imagery.set,

    /**
     * Puts a picture right of the divider, or leaves the other one there. Called after `setImagery`.
     *
     * @param {Picture | null} picture
     */
    setOtherImagery(picture) {
      const same = picture === null || keyOf(picture) === imagery.key();
      otherImagery.set(same ? null : picture);
      otherImagery.setSide('right');
      imagery.setSide(same ? 'both' : 'left');
    },

    retryImagery() {
      imagery.retry();
      otherImagery.retry();
    },
  };
}

/** @param {Picture | null} picture */
const keyOf = (picture) => (picture ? `${picture.source} ${picture.style}` : '');
