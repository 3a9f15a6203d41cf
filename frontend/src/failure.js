/** Failures in words: the server's own sentence where it gave one. */
import { ApiError } from './api.js';
import { t } from './i18n.js';

/** @param {unknown} error */
export function failureText(error) {
  if (!(error instanceof ApiError)) return t('noAnswer');
  if (error.detail) return error.detail;
  return error.status === 0 ? t('noAnswer') : t('refused', { status: error.status });
}
