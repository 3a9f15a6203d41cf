/** A file made in the browser, saved where the visitor's downloads go. */
import { element } from './dom.js';

/** @param {string} name @param {Blob} content */
export function saveFile(name, content) {
  const href = URL.createObjectURL(content);
  element('a', { href, download: name }).click();
  // The download has its own hold on the content once it has begun.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
