/** One job on the page: its progress, its preview on the map, its end. */
import * as api from './api.js';
import { createClassLayer } from './classes.js';
import { clip } from './clip.js';
import { byId, say } from './dom.js';
import { failureText } from './failure.js';
import { durationText, number, onLanguage, t } from './i18n.js';
import { percentText } from './predict.js';
import { follow, isFinal } from './job.js';
import { Z_INDEX } from './map.js';
import { createResults } from './results.js';
import { mapRings } from './zone.js';

/** @typedef {import('./api.js').Job} Job */

const TITLE = 'CoSIA Map';

// Blocks computed earlier arrive all at once: their tiles are asked for together.
const REFRESH_MS = 400;
const COPIED_MS = 2000;

/** @typedef {ReturnType<typeof createJobPanel>} JobPanel */

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {() => Uint32Array<ArrayBuffer>} options.colours
 * @param {(layer: import('./classes.js').ClassLayer | null, job: Job | null) => void} options.onLayer a prediction came on, or left, the map
 * @param {(job: Job) => string} options.describe source and model in words
 * @param {(error: unknown) => void} options.onTileError
 * @param {(text: string) => void} options.announce
 * @param {() => void} options.onNew
 */
export function createJobPanel(pageMap, { colours, onLayer, describe, onTileError, announce, onNew }) {
  const root = byId('job', HTMLElement);
  const title = byId('job-title', HTMLElement);
  const statusText = byId('job-status', HTMLElement);
  const inputs = byId('job-inputs', HTMLElement);
  const progress = byId('job-progress', HTMLElement);
  const bar = byId('job-bar', HTMLProgressElement);
  const detail = byId('job-detail', HTMLElement);
  const errorSlot = byId('job-error', HTMLElement);
  const cancelButton = byId('job-cancel', HTMLButtonElement);
  const cancelError = byId('job-cancel-error', HTMLElement);
  const newButton = byId('job-new', HTMLButtonElement);
  const shareButton = byId('job-share', HTMLButtonElement);
  const shareLink = byId('job-link', HTMLInputElement);
  const notes = byId('job-notes', HTMLElement);
  const fitButton = byId('job-fit', HTMLButtonElement);
  const opacity = byId('result-opacity', HTMLInputElement);
  const opacityValue = byId('result-opacity-value', HTMLOutputElement);
  const results = createResults();

  /** @type {Job | null} */
  let job = null;
  /** @type {import('./classes.js').ClassLayer | null} */
  let layer = null;
  let closed = new AbortController();
  let stopFollowing = () => {};
  let followed = '';
  /** @type {number[] | null} */
  let changed = null;
  let announcedTenth = 0;

  /** @param {string} id */
  function open(id) {
    close();
    closed = new AbortController();
    root.hidden = false;
    render();
    // What was launched from is gone now: its focus comes here, but not when the page has only just been opened.
    if (document.activeElement !== document.body) title.focus();
    begin(id);
  }

  /** @param {string} id */
  function begin(id) {
    stopFollowing();
    followed = id;
    stopFollowing = follow(id, { onStatus, onBlocks, onWaiting, onGone });
  }

  function close() {
    closed.abort();
    stopFollowing();
    results.clear();
    for (const slot of [errorSlot, cancelError]) say(slot, '');
    shareLink.hidden = true;
    setLayer(null);
    job = null;
    changed = null;
    announcedTenth = 0;
    root.hidden = true;
    document.title = TITLE;
  }

  /** @param {Job} next */
  function onStatus(next) {
    const before = job;
    job = next;
    say(errorSlot, next.status === 'failed' ? next.message || t('failedWithout') : '');
    if (before === null && !next.expired) showPreview(next);
    // Told again in another language, it has not ended again.
    const ended = isFinal(next) && before?.status !== next.status;
    if (ended && next.status === 'successful' && !next.expired) showResults(next);
    if (ended) announce(t(next.status === 'successful' ? 'announceDone' : next.status));
    else if (!isFinal(next)) announceProgress(next);
    render();
  }

  /** @param {number[]} bbox */
  function onBlocks(bbox) {
    if (changed) {
      changed = union(changed, bbox);
      return;
    }
    changed = bbox;
    setTimeout(() => {
      if (changed) layer?.reload(changed);
      changed = null;
    }, REFRESH_MS);
  }

  /** @param {number} seconds @param {unknown} _error */
  function onWaiting(seconds, _error) {
    say(errorSlot, t('connectionLost', { n: seconds }));
  }

  function onGone() {
    say(errorSlot, t('jobGone'));
    render();
  }

  /** @param {Job} finished */
  async function showResults(finished) {
    const { signal } = closed;
    try {
      const files = await api.getResults(finished.jobID, signal);
      const areas = files.areas ? await api.getAreas(files.areas.href, signal) : null;
      results.show(files, areas);
    } catch (error) {
      if (!signal.aborted) say(errorSlot, failureText(error));
    }
  }

  /** @param {Job} running */
  async function showPreview(running) {
    const { signal } = closed;
    try {
      const tiles = await api.getTileJson(api.previewTileJsonAddress(running.jobID), signal);
      setLayer(
        createClassLayer({
          template: tiles.tiles[0],
          minZoom: tiles.minzoom ?? 0,
          maxZoom: tiles.maxzoom ?? 19,
          bbox: tiles.bounds ?? running.bbox,
          zIndex: Z_INDEX.prediction,
          side: 'left',
          colours: colours(),
          onError: onTileError,
        }),
      );
    } catch (error) {
      if (!signal.aborted) say(errorSlot, failureText(error));
    }
  }

  /** @param {import('./classes.js').ClassLayer | null} next */
  function setLayer(next) {
    const before = layer;
    layer = next;
    if (next && job) {
      next.layer.setOpacity(Number(opacity.value) / 100);
      clip(next.layer, pageMap.map, mapRings(job.aoi), 'inside');
      pageMap.map.addLayer(next.layer);
    }
    if (before) {
      pageMap.map.removeLayer(before.layer);
      before.dispose();
    }
    if (before || next) onLayer(next, job);
  }

  /** @param {Job} running */
  function announceProgress({ progress: percent }) {
    // Every tenth only: a screen reader would otherwise never be silent.
    const tenth = Math.floor(percent / 10);
    if (tenth <= announcedTenth) return;
    announcedTenth = tenth;
    announce(t('announceRunning', { percent: tenth * 10 }));
  }

  function render() {
    opacityValue.textContent = `${opacity.value} %`;
    statusText.textContent = job ? t(job.status) : t('loading');
    statusText.dataset.status = job?.status ?? '';
    inputs.textContent = job ? describe(job) : '';
    const active = job !== null && !isFinal(job);
    progress.hidden = !active;
    cancelButton.hidden = !active || (job?.read_only ?? true);
    fitButton.hidden = job === null;
    shareButton.hidden = job === null;
    notes.textContent = job ? notesText(job) : '';
    newButton.classList.toggle('primary', !active);
    if (!job || root.hidden) return;
    bar.value = job.progress;
    detail.textContent = progressText(job);
    document.title = active ? `${number(job.progress / 100, { style: 'percent' })} · ${TITLE}` : `${t(job.status)} · ${TITLE}`;
  }

  cancelButton.addEventListener('click', async () => {
    if (!job) return;
    cancelButton.disabled = true;
    cancelButton.textContent = t('cancelling');
    say(cancelError, '');
    try {
      await api.dismiss(job.jobID, closed.signal);
    } catch (error) {
      if (!closed.signal.aborted) say(cancelError, failureText(error));
    }
    cancelButton.disabled = false;
    cancelButton.textContent = t('cancelJob');
  });
  shareButton.addEventListener('click', async () => {
    if (!job) return;
    const link = permalinkOf(job);
    try {
      await navigator.clipboard.writeText(link);
      announce(t('linkCopied'));
      shareButton.textContent = t('linkCopied');
      setTimeout(() => (shareButton.textContent = t('shareJob')), COPIED_MS);
    } catch {
      // No clipboard on an insecure origin, or it is forbidden: the link can be copied by hand.
      shareLink.value = link;
      shareLink.hidden = false;
      shareLink.select();
    }
  });
  fitButton.addEventListener('click', () => job && pageMap.fit(job.bbox, true));
  opacity.addEventListener('input', () => {
    layer?.layer.setOpacity(Number(opacity.value) / 100);
    render();
  });
  newButton.addEventListener('click', onNew);
  onLanguage(() => {
    render();
    // What the service says of it is told in one language at a time.
    if (!root.hidden) begin(followed);
  });

  return { open, close, render };
}

/** How far it is, and what keeps it. @param {Job} job */
export function progressText({ status, postponed, blocks, workers, seconds_left, queue_position }) {
  const parts = [t('blocks', { done: number(blocks.done), total: number(blocks.total) })];
  if (status === 'accepted' && queue_position !== undefined) {
    parts.push(queue_position ? t('queue', { n: number(queue_position) }) : t('queueNext'));
  }
  if (postponed) parts.push(t('postponed', { reason: postponed }));
  else if (workers === 0) parts.push(t('noWorker'));
  else if (blocks.done + blocks.failed === blocks.total) parts.push(t('writingResults'));
  else if (seconds_left) parts.push(t('timeLeft', { duration: durationText(seconds_left) }));
  return parts.join(' · ');
}

/** What one should know of it besides. @param {Job} job */
export function notesText({ read_only, expired, coverage, blocks }) {
  const sentences = [];
  if (read_only) sentences.push(t('sharedJob'));
  if (expired) sentences.push(t('expiredJob'));
  if (coverage !== undefined && coverage < 1) sentences.push(t('partialCoverage', { percent: percentText(coverage) }));
  if (blocks.failed) sentences.push(t('gaps', { n: number(blocks.failed) }));
  return sentences.join(' ');
}

/** The address at which anybody may look at a job, with the present view. @param {Job} job */
export function permalinkOf({ jobID, links }) {
  const bookmark = links.find(({ rel }) => rel === 'bookmark')?.href ?? jobID;
  const address = new URL(window.location.href);
  const fields = new URLSearchParams(address.hash.slice(1));
  fields.set('job', bookmark.slice(bookmark.lastIndexOf('/') + 1));
  fields.set('tab', 'predict');
  address.hash = fields.toString().replaceAll('%2F', '/');
  return address.href;
}

/**
 * @param {number[]} a west, south, east, north
 * @param {number[]} b
 */
function union(a, b) {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}
