/**
 * A pause that ends early where it is no longer wanted.
 *
 * @param {number} duration_ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(duration_ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, duration_ms);
    signal.addEventListener('abort', end);
  });
}
