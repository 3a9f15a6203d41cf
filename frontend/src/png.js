/**
 * Class values out of a palette PNG.
 *
 * Read from the file itself, never back from a canvas: some browsers add noise to what they give back.
 * PNG specification: https://www.w3.org/TR/png-3/
 */

/**
 * @typedef {object} PalettePng
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} indices height × width palette indices, rows from the top
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const PALETTE_COLOUR_TYPE = 3;

/**
 * @param {ArrayBuffer} file
 * @returns {Promise<PalettePng>}
 * @throws {Error} if the file is no 8 bit, non-interlaced palette PNG
 */
export async function readPalettePng(file) {
  const bytes = new Uint8Array(file);
  const view = new DataView(file);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error('not a PNG file');

  let width = 0;
  let height = 0;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const compressed = [];
  for (let at = SIGNATURE.length; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = at + 8;
    if (type === 'IHDR') {
      width = view.getUint32(body);
      height = view.getUint32(body + 4);
      const [depth, colourType, , , interlace] = bytes.subarray(body + 8, body + 13);
      if (depth !== 8 || colourType !== PALETTE_COLOUR_TYPE || interlace !== 0) {
        throw new Error('not an 8 bit, non-interlaced palette PNG');
      }
    } else if (type === 'IDAT') {
      compressed.push(bytes.subarray(body, body + length));
    } else if (type === 'IEND') {
      break;
    }
    at = body + length + 4; // 4: the checksum of the chunk
  }

  const scanlines = await inflate(new Blob(compressed));
  if (scanlines.length !== height * (width + 1)) throw new Error('PNG image data of unexpected length');
  return { width, height, indices: unfilter(scanlines, width, height) };
}

/** @param {Blob} compressed a zlib stream */
async function inflate(compressed) {
  const stream = compressed.stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Undoes the scanline filters (section 9 of the specification), one byte a pixel.
 *
 * @param {Uint8Array} scanlines height × (1 filter byte + width)
 * @param {number} width
 * @param {number} height
 */
function unfilter(scanlines, width, height) {
  const indices = new Uint8Array(width * height);
  let above = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1);
    const row = indices.subarray(y * width, (y + 1) * width);
    row.set(scanlines.subarray(start + 1, start + 1 + width));
    unfilterRow(scanlines[start], row, above);
    above = row;
  }
  return indices;
}

/**
 * @param {number} filter 0 none, 1 left, 2 above, 3 average, 4 Paeth
 * @param {Uint8Array} row filtered bytes, replaced by their values
 * @param {Uint8Array} above values of the row above, zero for the first
 */
function unfilterRow(filter, row, above) {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let x = 1; x < row.length; x++) row[x] += row[x - 1];
      return;
    case 2:
      for (let x = 0; x < row.length; x++) row[x] += above[x];
      return;
    case 3:
      for (let x = 0; x < row.length; x++) row[x] += ((x > 0 ? row[x - 1] : 0) + above[x]) >> 1;
      return;
    case 4:
      for (let x = 0; x < row.length; x++) {
        row[x] += x > 0 ? paeth(row[x - 1], above[x], above[x - 1]) : above[x];
      }
      return;
    default:
      throw new Error(`PNG filter type ${filter} does not exist`);
  }
}

/**
 * @param {number} left
 * @param {number} up
 * @param {number} upLeft
 */
function paeth(left, up, upLeft) {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
