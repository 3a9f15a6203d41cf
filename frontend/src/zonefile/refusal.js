/** Why a file or a text gives no zone, in words of the page's language. */

export class Refusal extends Error {
  /**
   * @param {import('../i18n.js').Key} key of the sentence
   * @param {Record<string, string | number>} [values] numbers as they are: whoever shows them formats them
   */
  constructor(key, values = {}) {
    super(key);
    this.name = 'Refusal';
    this.key = key;
    this.values = values;
  }
}

/** @param {string} format */
export const damaged = (format) => new Refusal('fileDamaged', { format });

/**
 * What `read` gives; reading beyond the end of the bytes means that some are missing.
 *
 * @template T
 * @param {string} format
 * @param {() => T} read
 */
export function whole(format, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw damaged(format);
    throw error;
  }
}
