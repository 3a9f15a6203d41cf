/**
 * Tiles that a layer keeps besides those in view: with the largest set of layers (two of classes, a prediction, a picture),
 * 120 MB, for a tile of classes is 328 kB (colours and values) and one of a picture 262 kB. In windows so large that twice
 * the tiles in view are more, OpenLayers keeps those.
 */
export const KEPT_TILES = 96;
