/**
 * What decodes text of unknown encoding: UTF-16 if it says so, UTF-8 if it can be, else that of Western Windows.
 *
 * @param {Uint8Array} bytes
 */
export function decoderOf(bytes) {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le');
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be');
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    utf8.decode(bytes);
    return utf8;
  } catch {
    return new TextDecoder('windows-1252');
  }
}

/** @param {Uint8Array} bytes */
export const textOf = (bytes) => decoderOf(bytes).decode(bytes);
