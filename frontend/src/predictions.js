/** Predictions put together: asking for one, following one, the list of those asked for, and calling the visitor back. */
import { createAttention } from './attention.js';
import { requestOf } from './chosen.js';
import { byId } from './dom.js';
import { createHistory } from './history.js';
import { createJobPanel } from './jobpanel.js';
import { createPredictForm } from './predict.js';
import { createSubmit } from './request.js';
import { createRequests } from './requests.js';
import { watch } from './watch.js';

/** @typedef {import('./api.js').Job} Job */

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {import('./state.js').Store} options.store
 * @param {import('./scene.js').Scene} options.scene
 * @param {import('./zone.js').ZoneControl} options.zone
 * @param {import('./card.js').Card['open']} options.openCard
 * @param {boolean} options.framed a framed map asks for nothing, and follows nothing but the job of its address
 * @param {() => void} options.onShown another prediction is on the map, or none
 * @param {(error: unknown) => void} options.onTileError
 * @param {(text: string) => void} options.announce
 */
export function createPredictions(pageMap, { store, scene, zone, openCard, framed, onShown, onTileError, announce }) {
  const history = createHistory();
  const submit = createSubmit(history);
  const form = createPredictForm({
    zone,
    openCard,
    submit,
    onSource: (source) => store.set({ imagery: source }),
    onLaunched: ({ jobID }) => open(jobID),
  });
  const { describe } = form;
  const attention = createAttention({ describe, onOpen: open });
  const requests = createRequests(history, { describe, onOpen: open, repeat });
  const jobPanel = createJobPanel(pageMap, {
    colours: scene.predictionColours,
    describe,
    onLayer(layer, job) {
      scene.setPrediction(layer && job && { layer, job });
      onShown();
    },
    onTileError,
    announce,
    onTitle: attention.show,
    onTold(job) {
      history.record(job);
      scene.updateJob(job);
    },
    onEnd(job) {
      attention.ended(job);
      onShown();
    },
    onLost: history.lost,
    repeat,
    onChange(job) {
      zone.replace(job.aoi);
      form.take(job);
      store.set({ job: null });
      byId('source', HTMLSelectElement).focus();
    },
    onOpacity: (percent) => store.set({ jobOpacity: percent }),
    onNew() {
      store.set({ job: null });
      byId('draw-polygon', HTMLButtonElement).focus();
    },
  });
  if (!framed) watch(history, { lookedAt: () => store.get().job, isListShown: requests.isShown, onEnd: attention.ended });

  /** @param {string} id */
  function open(id) {
    store.set({ tab: 'predict', job: id });
  }

  /** Asks for the same as a job did. @param {Job} job @param {AbortSignal} signal */
  async function repeat(job, signal) {
    open((await submit(requestOf(job), signal)).jobID);
  }

  return {
    source: form.source,
    refreshEstimate: form.refreshEstimate,

    /** @param {import('./api.js').ProcessDescription} description */
    setProcess(description) {
      form.setProcess(description);
      jobPanel.render();
      requests.render();
    },

    setOpacity: jobPanel.setOpacity,

    /** Another job is looked at, or none. @param {string | null} job */
    follow(job) {
      form.show(job === null);
      if (job) jobPanel.open(job);
      else jobPanel.close();
      requests.mark(job);
    },
  };
}
