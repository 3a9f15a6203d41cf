/** Calling back a visitor who looks elsewhere when a prediction ends: by the title of the page, and by a notification if asked. */
import { byId, say } from './dom.js';
import { number, onLanguage, t } from './i18n.js';

/** @typedef {import('./api.js').Job} Job */

const TITLE = 'CoSIA Map';
const MEMORY = 'cosia.notify';

/**
 * @param {object} options
 * @param {(job: Job) => string} options.describe
 * @param {(id: string) => void} options.onOpen a notification was clicked
 */
export function createAttention({ describe, onOpen }) {
  const button = byId('notify', HTMLButtonElement);
  const slot = byId('notify-error', HTMLElement);
  let shown = '';
  /** Predictions that ended while nobody looked, the latest last. @type {Job[]} */
  let missed = [];

  function render() {
    const news = missed.length > 1 ? t('endedTitle', { n: number(missed.length) }) : missed.length === 1 ? t(missed[0].status) : shown;
    document.title = news ? `${news} · ${TITLE}` : TITLE;
    button.setAttribute('aria-pressed', String(isWanted()));
  }

  button.addEventListener('click', async () => {
    say(slot, '');
    const wanted = !isWanted();
    want(wanted);
    if (wanted && (await permission()) !== 'granted') {
      want(false);
      say(slot, t('notifyRefused'));
    }
    render();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    missed = [];
    render();
  });
  onLanguage(render);
  render();

  return {
    /** What the title says of the prediction looked at; empty for nothing. @param {string} text */
    show(text) {
      shown = text;
      render();
    },

    /** @param {Job} job */
    ended(job) {
      if (!document.hidden) return;
      missed = [...missed.filter(({ jobID }) => jobID !== job.jobID), job];
      render();
      if (isWanted()) notify(job);
    },
  };

  /** @param {Job} job */
  function notify(job) {
    try {
      // One of the same tag takes the place of the one before: two tabs do not say it twice.
      const notification = new Notification(t(job.status === 'successful' ? 'announceDone' : job.status), { body: describe(job), tag: job.jobID });
      notification.addEventListener('click', () => {
        window.focus();
        onOpen(job.jobID);
        notification.close();
      });
    } catch {
      // Some phones show notifications of installed applications only: the title says it all the same.
    }
  }
}

/** @returns {Promise<NotificationPermission>} */
async function permission() {
  // Not there on insecure origins, and in some browsers.
  if (!('Notification' in window)) return 'denied';
  return Notification.permission === 'default' ? Notification.requestPermission() : Notification.permission;
}

/** Whether the visitor asked for notifications, and still allows them. */
function isWanted() {
  try {
    return localStorage.getItem(MEMORY) === 'yes' && 'Notification' in window && Notification.permission !== 'denied';
  } catch {
    return false;
  }
}

/** @param {boolean} wanted */
function want(wanted) {
  try {
    if (wanted) localStorage.setItem(MEMORY, 'yes');
    else localStorage.removeItem(MEMORY);
  } catch {
    // storage forbidden by the visitor's settings: there are no notifications then
  }
}
