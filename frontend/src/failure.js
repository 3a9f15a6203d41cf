/** Failures in words: the server's own sentence where it gave one. */
import { ApiError } from './api.js';
import { durationText, t } from './i18n.js';

/** @param {unknown} error */
export function failureText(error) {
  if (!(error instanceof ApiError)) return t('noAnswer');
  if (error.detail) {
    const { detail, retryAfter_s } = error;
    if (retryAfter_s === null) return detail;
    return `${detail.replace(/\.$/, '')}. ${t('retryIn', { duration: durationText(retryAfter_s) })}`;
  }
  return error.status === 0 ? t('noAnswer') : t('refused', { status: error.status });
}
