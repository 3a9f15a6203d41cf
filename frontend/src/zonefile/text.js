/**
 * Text of unknown encoding: UTF-16 if it says so, UTF-8 if it can be, else that of Western Windows.
 *
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
