/** A zone from elsewhere: files chosen or dropped, or text pasted. What reads it is loaded at the first of them. */
import { byId, element } from './dom.js';
import { number, onLanguage, t } from './i18n.js';
import { boundsOf, ringsOf } from './ring.js';
import { refusalText } from './zonefault.js';
import { Refusal } from './zonefile/refusal.js';

/** @typedef {import('./api.js').Zone} Zone */
/** @typedef {import('./zonefile/read.js').Found} Found */

// A text field would be slow with more; it is read all the same.
const MOST_SHOWN = 20_000;

/**
 * @param {object} options
 * @param {import('./zone.js').ZoneControl} options.zone
 * @param {() => void} options.onAsked before anything is read: the zone's field is to be seen
 * @param {(bbox: number[]) => void} options.onZone west, south, east, north of a zone that was read
 */
export function createZoneImport({ zone, onAsked, onZone }) {
  const file = byId('zone-file', HTMLInputElement);
  const pasted = byId('pasted', HTMLTextAreaElement);
  const note = byId('zone-note', HTMLElement);
  const partField = byId('part-field', HTMLElement);
  const part = byId('part', HTMLSelectElement);

  /** @type {{name: string, found: Found} | null} */
  let imported = null;
  /** @type {Zone | null} the zone that was imported last */
  let own = null;
  let reading = 0;

  /** @param {readonly File[] | string} source */
  async function read(source) {
    const name = typeof source === 'string' ? t('pastedText') : source.map((file) => file.name).join(', ');
    const turn = ++reading;
    onAsked();
    zone.refuse('');
    note.textContent = t('reading');
    /** @type {typeof imported} */
    let next = null;
    try {
      const { readZones } = await import('./zonefile/read.js');
      next = { name, found: await readZones(source, zone.mostVertices()) };
    } catch (error) {
      if (turn === reading) refuse(error);
    }
    if (turn !== reading) return;
    imported = next;
    fillParts();
    render();
    if (next) take();
  }

  /** Makes the part chosen the zone. */
  function take() {
    if (!imported) return;
    zone.refuse('');
    try {
      own = imported.found.zone(part.value === '' ? undefined : Number(part.value));
    } catch (error) {
      refuse(error);
      return;
    }
    zone.replace(own);
    onZone(boundsOf(ringsOf(own).flat()));
  }

  /** @param {unknown} error */
  function refuse(error) {
    // Anything else is the module that could not be loaded.
    zone.refuse(error instanceof Refusal ? refusalText(error) : t('noAnswer'));
  }

  function fillParts() {
    const names = imported?.found.names ?? [];
    partField.hidden = names.length < 2;
    part.replaceChildren(
      element('option', { value: '' }, t('allParts', { n: number(names.length) })),
      ...names.map((name, i) => element('option', { value: String(i) }, name || t('partNumber', { n: number(i + 1) }))),
    );
  }

  function render() {
    if (!imported) {
      note.textContent = '';
      return;
    }
    const { names, crs, leftOut } = imported.found;
    const sentences = [t('imported', { name: imported.name, n: number(names.length), crs })];
    if (leftOut > 0) sentences.push(t('leftOut', { n: number(leftOut) }));
    note.textContent = sentences.join('. ');
  }

  byId('import-file', HTMLButtonElement).addEventListener('click', () => file.click());
  file.addEventListener('change', () => {
    const chosen = [...(file.files ?? [])];
    if (chosen.length > 0) read(chosen);
    // So that the same file, mended, can be chosen again.
    file.value = '';
  });
  part.addEventListener('change', take);
  byId('use-pasted', HTMLButtonElement).addEventListener('click', () => read(pasted.value));

  document.addEventListener('paste', (event) => {
    const editable = event.target instanceof Element && event.target.closest('input, textarea, select');
    if (editable && editable !== pasted) return;
    const files = [...(event.clipboardData?.files ?? [])];
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (files.length > 0) read(files);
    else if (text !== '') read(text);
    if (!editable || text.length > MOST_SHOWN) event.preventDefault();
  });

  // Over the whole page: a file let go beside the map would otherwise be opened in its place.
  const stage = byId('stage', HTMLElement);
  document.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    stage.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) stage.classList.remove('dropping');
  });
  document.addEventListener('drop', (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    stage.classList.remove('dropping');
    read(files);
  });
  onLanguage(() => {
    const chosen = part.value;
    fillParts();
    part.value = chosen;
    render();
  });

  return {
    /** Another zone than the one imported needs no word about it. */
    zoneChanged() {
      if (zone.get() === own) return;
      imported = own = null;
      fillParts();
      render();
    },
  };
}
