/** One job on the page: its progress, its preview on the map, its end, and what one can do about it. */
import * as api from './api.js';
import { byId, say } from './dom.js';
import { failureText } from './failure.js';
import { number, onLanguage, t } from './i18n.js';
import { follow, isFinal } from './job.js';
import { notesText, progressText } from './jobwords.js';
import { createPreview } from './preview.js';
import { createResults } from './results.js';

/** @typedef {import('./api.js').Job} Job */

/** @typedef {ReturnType<typeof createJobPanel>} JobPanel */

/**
 * @param {import('./map.js').PageMap} pageMap
 * @param {object} options
 * @param {() => Uint32Array<ArrayBuffer>} options.colours
 * @param {(layer: import('./classes.js').ClassLayer | null, job: Job | null) => void} options.onLayer a prediction came on, or left, the map
 * @param {(job: Job) => string} options.describe source and model in words
 * @param {(error: unknown) => void} options.onTileError
 * @param {(text: string) => void} options.announce
 * @param {(text: string) => void} options.onTitle how it stands, for the title of the page; empty for no job
 * @param {(job: Job) => void} options.onTold how it stands now
 * @param {(job: Job) => void} options.onEnd it ended while it was followed
 * @param {(id: string) => string | null} options.onLost the service does not know the job; gives another identifier of it
 * @param {(job: Job, signal: AbortSignal) => Promise<void>} options.repeat asks for the same again
 * @param {(job: Job) => void} options.onChange the zone and choices of a job are to be changed and asked for
 * @param {(percent: number) => void} options.onOpacity
 * @param {() => void} options.onNew
 */
export function createJobPanel(pageMap, { describe, announce, onTitle, onTold, onEnd, onLost, repeat, onChange, onOpacity, onNew, ...shown }) {
  const root = byId('job', HTMLElement);
  const title = byId('job-title', HTMLElement);
  const statusText = byId('job-status', HTMLElement);
  const inputs = byId('job-inputs', HTMLElement);
  const progress = byId('job-progress', HTMLElement);
  const bar = byId('job-bar', HTMLProgressElement);
  const detail = byId('job-detail', HTMLElement);
  const errorSlot = byId('job-error', HTMLElement);
  const cancelButton = byId('job-cancel', HTMLButtonElement);
  const repeatButton = byId('job-repeat', HTMLButtonElement);
  const changeButton = byId('job-change', HTMLButtonElement);
  const actionError = byId('job-action-error', HTMLElement);
  const newButton = byId('job-new', HTMLButtonElement);
  const shareButton = byId('job-share', HTMLButtonElement);
  const notes = byId('job-notes', HTMLElement);
  const fitButton = byId('job-fit', HTMLButtonElement);
  const opacity = byId('result-opacity', HTMLInputElement);
  const opacityValue = byId('result-opacity-value', HTMLOutputElement);
  const results = createResults();
  const preview = createPreview(pageMap, shown);

  /** @type {Job | null} */
  let job = null;
  let closed = new AbortController();
  let stopFollowing = () => {};
  /** The job that is followed; empty for none. */
  let followed = '';
  /** Whether the service knows the job no more, or its results. */
  let gone = false;
  let lostResults = false;
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
    stopFollowing = follow(id, { onStatus, onBlocks: preview.refresh, onWaiting, onGone });
  }

  function close() {
    closed.abort();
    stopFollowing();
    results.clear();
    for (const slot of [errorSlot, actionError]) say(slot, '');
    preview.clear();
    job = null;
    followed = '';
    gone = lostResults = false;
    announcedTenth = 0;
    root.hidden = true;
    onTitle('');
  }

  /** @param {Job} next */
  function onStatus(next) {
    const before = job;
    job = next;
    onTold(next);
    say(errorSlot, next.status === 'failed' ? next.message || t('failedWithout') : '');
    if (before === null && !next.expired) showPreview(next);
    // Told again in another language, it has not ended again.
    const ended = isFinal(next) && before?.status !== next.status;
    if (ended && next.status === 'successful' && !next.expired) showResults(next);
    if (ended) announce(t(next.status === 'successful' ? 'announceDone' : next.status));
    else if (!isFinal(next)) announceProgress(next);
    if (ended && before) onEnd(next);
    render();
  }

  /** @param {number} seconds @param {unknown} _error */
  function onWaiting(seconds, _error) {
    say(errorSlot, t('connectionLost', { n: seconds }));
  }

  function onGone() {
    const other = onLost(followed);
    if (other) {
      begin(other);
      return;
    }
    gone = true;
    preview.clear();
    results.clear();
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
      if (signal.aborted) return;
      lostResults = true;
      say(errorSlot, failureText(error));
      render();
    }
  }

  /** @param {Job} running */
  async function showPreview(running) {
    const { signal } = closed;
    try {
      await preview.show(running, signal);
    } catch (error) {
      if (!signal.aborted) say(errorSlot, failureText(error));
    }
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
    const status = gone ? 'gone' : job?.status;
    statusText.textContent = status ? t(status) : t('loading');
    statusText.dataset.status = status ?? '';
    inputs.textContent = job ? describe(job) : '';
    const active = job !== null && !gone && !isFinal(job);
    const useless = gone || lostResults || job?.expired !== undefined || job?.status === 'failed' || job?.status === 'dismissed';
    progress.hidden = !active;
    cancelButton.hidden = !active || (job?.read_only ?? true);
    repeatButton.hidden = job === null || !useless;
    changeButton.hidden = job === null || active;
    fitButton.hidden = job === null;
    // Of results that are gone there is nothing to look at.
    shareButton.hidden = job === null || gone || job.expired !== undefined;
    notes.textContent = job && !gone ? notesText(job) : '';
    repeatButton.classList.toggle('primary', !repeatButton.hidden);
    newButton.classList.toggle('primary', !active && repeatButton.hidden);
    if (!job || root.hidden) return;
    bar.value = job.progress;
    detail.textContent = progressText(job);
    onTitle(active ? number(job.progress / 100, { style: 'percent' }) : t(gone ? 'gone' : job.status));
  }

  /**
   * Does what a button is for, which is out of use meanwhile; says beside it why it could not be done.
   *
   * @param {HTMLButtonElement} button
   * @param {import('./i18n.js').Key} doing
   * @param {(job: Job, signal: AbortSignal) => Promise<void>} action
   */
  async function act(button, doing, action) {
    if (!job) return;
    const { signal } = closed;
    const text = button.textContent;
    button.disabled = true;
    button.textContent = t(doing);
    say(actionError, '');
    try {
      await action(job, signal);
    } catch (error) {
      if (!signal.aborted) say(actionError, failureText(error));
    }
    button.disabled = false;
    button.textContent = text;
  }

  cancelButton.addEventListener('click', () => act(cancelButton, 'cancelling', ({ jobID }, signal) => api.dismiss(jobID, signal)));
  repeatButton.addEventListener('click', () => act(repeatButton, 'launching', repeat));
  changeButton.addEventListener('click', () => job && onChange(job));
  fitButton.addEventListener('click', () => job && pageMap.fit(job.bbox, true));
  opacity.addEventListener('input', () => onOpacity(Number(opacity.value)));
  newButton.addEventListener('click', onNew);
  onLanguage(() => {
    render();
    // What the service says of it is told in one language at a time.
    if (!root.hidden && !gone) begin(followed);
  });

  return {
    open,
    close,
    render,
    /** @param {number} percent */
    setOpacity(percent) {
      opacity.value = String(percent);
      opacityValue.textContent = `${percent} %`;
      preview.setOpacity(percent / 100);
    },
  };
}
