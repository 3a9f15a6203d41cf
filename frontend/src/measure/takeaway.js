/** Two buttons that take a table away: as a file for a spreadsheet, and over the clipboard. */
import { csvText, tabbedText } from '../csv.js';
import { byId, element, say } from '../dom.js';
import { onLanguage, t } from '../i18n.js';
import { saveFile } from '../savefile.js';

const COPIED_MS = 2000;

/**
 * @param {string} id of the empty element that they fill
 * @param {object} options
 * @param {() => {name: string, table: import('../csv.js').Cell[][], about: import('../csv.js').Cell[][]}} options.content
 *   about: what the file says of itself below the table
 * @param {(text: string) => void} options.announce
 */
export function createTakeaway(id, { content, announce }) {
  const save = element('button', { type: 'button' });
  const copy = element('button', { type: 'button', 'aria-describedby': `${id}-error` });
  const alert = element('p', { className: 'alert', id: `${id}-error`, role: 'alert', hidden: true });
  byId(id, HTMLElement).append(element('div', { className: 'buttons' }, save, copy), alert);

  save.addEventListener('click', () => {
    const { name, table, about } = content();
    saveFile(`${name}.csv`, new Blob([csvText([...table, [], ...about])], { type: 'text/csv' }));
  });
  copy.addEventListener('click', async () => {
    say(alert, '');
    try {
      await navigator.clipboard.writeText(tabbedText(content().table));
    } catch {
      // No clipboard on an insecure origin, or it is forbidden.
      say(alert, t('copyRefused'));
      return;
    }
    announce(t('tableCopied'));
    copy.textContent = t('tableCopied');
    setTimeout(render, COPIED_MS);
  });

  function render() {
    save.textContent = t('saveTable');
    copy.textContent = t('copyTable');
  }
  onLanguage(render);
  render();
}
