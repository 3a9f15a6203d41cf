/** Tables as text: files for spreadsheets, and what is pasted into them. */
import { language } from './i18n.js';

/** @typedef {string | number | null | undefined} Cell */

// Excel takes a file without it for one of the system's old code page.
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * A file as a spreadsheet of the page's language opens it: in French `;` between cells and a decimal comma.
 *
 * @param {readonly (readonly Cell[])[]} rows
 */
export function csvText(rows) {
  const separator = language() === 'fr' ? ';' : ',';
  const lines = rows.map((row) => row.map((cell) => quoted(cellText(cell), separator)).join(separator));
  return BYTE_ORDER_MARK + lines.map((line) => `${line}\r\n`).join('');
}

/** The same for the clipboard: tabs between cells. @param {readonly (readonly Cell[])[]} rows */
export function tabbedText(rows) {
  return rows.map((row) => row.map((cell) => cellText(cell).replaceAll(/[\t\r\n]+/g, ' ')).join('\t')).join('\n');
}

/** @param {Cell} cell */
function cellText(cell) {
  if (typeof cell === 'number') return language() === 'fr' ? String(cell).replace('.', ',') : String(cell);
  // Spreadsheets run a text that begins like a formula, and titles are whatever a publisher wrote.
  return (cell ?? '').replace(/^(?=[=+\-@\t\r])/, "'");
}

/** @param {string} text @param {string} separator */
function quoted(text, separator) {
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
