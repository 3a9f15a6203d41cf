/** What other software is given: addresses of the layer on the map, or of the prediction, each with its way in. */
import * as api from '../api.js';
import { createCopyField } from '../copyfield.js';
import { byId, element, say } from '../dom.js';
import { failureText } from '../failure.js';
import { onLanguage, t } from '../i18n.js';
import { jobAddresses, layerAddresses } from './links.js';

/** @typedef {import('../api.js').Collection} Collection */
/** @typedef {import('../api.js').Job} Job */

/** @param {(text: string) => void} announce */
export function createSoftware(announce) {
  const subject = byId('software-of', HTMLSelectElement);
  const subjectField = byId('software-field', HTMLElement);
  const slot = byId('software-error', HTMLElement);
  const qgis = byId('software-qgis', HTMLAnchorElement);
  const fields = {
    wmts: createCopyField(byId('software-wmts', HTMLElement), { label: 'addressWmts', announce }),
    name: createCopyField(byId('software-name', HTMLElement), { label: 'addressName', announce }),
    xyz: createCopyField(byId('software-xyz', HTMLElement), { label: 'addressXyz', announce }),
    tilejson: createCopyField(byId('software-tilejson', HTMLElement), { label: 'addressTileJson', announce }),
    ogc: createCopyField(byId('software-ogc', HTMLElement), { label: 'addressOgc', announce }),
    stac: createCopyField(byId('software-stac', HTMLElement), { label: 'addressStac', announce }),
  };

  /** @type {Collection | undefined} */
  let collection;
  /** @type {Job | null} */
  let job = null;
  let shown = '';
  let asked = new AbortController();

  /** @param {import('./links.js').Addresses} addresses */
  function fill(addresses) {
    // Through its own origin: a browser saves a file of another one under no name of ours.
    if (addresses.qgis) qgis.href = api.ownAddress(addresses.qgis);
    for (const name of /** @type {(keyof typeof fields)[]} */ (Object.keys(fields))) fields[name].set(addresses[name]);
    for (const part of document.querySelectorAll('[data-needs]')) {
      const needed = /** @type {keyof typeof addresses} */ (part.getAttribute('data-needs'));
      /** @type {HTMLElement} */ (part).hidden = addresses[needed] === '';
    }
  }

  /** @param {Job} predicted */
  async function fillWithJob(predicted) {
    const { signal } = asked;
    try {
      const [tiles, results] = await Promise.all([
        api.getTileJson(api.previewTileJsonAddress(predicted.jobID), signal),
        predicted.status === 'successful' ? api.getResults(predicted.jobID, signal) : {},
      ]);
      fill(jobAddresses(predicted, tiles, results));
    } catch (error) {
      shown = '';
      if (!signal.aborted) say(slot, failureText(error));
    }
  }

  function render() {
    const predicted = subject.value === 'job' ? job : null;
    const now = predicted ? `job ${predicted.jobID} ${predicted.status}` : `layer ${collection?.id}`;
    if (now === shown) return;
    shown = now;
    asked.abort();
    asked = new AbortController();
    say(slot, '');
    if (predicted) fillWithJob(predicted);
    else if (collection) fill(layerAddresses(collection));
  }

  function offer() {
    const chosen = subject.value;
    const choices = [['layer', collection?.title ?? ''], ...(job ? [['job', t('softwareJob')]] : [])];
    subject.replaceChildren(...choices.map(([value, title]) => element('option', { value }, title)));
    subject.value = chosen === 'job' && job ? 'job' : 'layer';
    subjectField.hidden = !job;
  }

  subject.addEventListener('change', render);
  onLanguage(offer);

  return {
    /** @param {Collection | undefined} nextCollection @param {Job | null} nextJob on the map */
    show(nextCollection, nextJob) {
      if (nextCollection !== collection || nextJob?.jobID !== job?.jobID) {
        [collection, job] = [nextCollection, nextJob];
        offer();
      }
      job = nextJob;
      render();
    },
  };
}
