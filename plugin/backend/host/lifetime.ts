/** How often the parent is looked for. */
const PARENT_MS = 500;

/**
 * Calls `stop` once when the process is told to end, or its parent has gone. SIGINT is the parent's business: a
 * terminal sends it to both.
 */
export function watchLifetime(stop: (reason: string) => void): void {
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => {
    stop('SIGTERM');
  });
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop('the parent process has gone');
  }, PARENT_MS);
  watch.unref();
}
