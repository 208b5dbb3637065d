import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;

/** Whoever started us: npm, or the shell between npm and us. */
const PARENT = process.ppid;

/**
 * Resolves when npm has ended before a command that it runs; stays pending for one that npm did not start.
 *
 * npm passes SIGTERM on to its shell alone, and most shells die of it without a word to us. All that we
 * notice is another parent. (Windows never tells of another one.)
 */
export async function npmHasEnded(script: string[]): Promise<void> {
  if (!script.includes(process.env.npm_lifecycle_event ?? '')) return new Promise(() => {});
  while (process.ppid === PARENT) await sleep(POLL_MS, undefined, { ref: false });
}
