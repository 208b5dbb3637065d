import type { CommitResult, Ports } from './ports.ts';

/** A commit that was not applied, or of which it is not known. */
type FailedCommit = Extract<CommitResult, { type: 'fenced' | 'unapplied' | 'uncertain' }>;

/**
 * Logs a failed commit, and what is done about it.
 *
 * @param commands how many commands were in it
 * @param version of the event as it is in memory
 */
export function logFailedCommit(
  ports: Pick<Ports, 'log'>,
  result: FailedCommit,
  commands: number,
  version: number,
): void {
  switch (result.type) {
    case 'fenced':
      ports.log('fence lost', {
        version,
        commands,
        done: 'loads the event, and decides them again',
      });
      break;
    case 'unapplied':
      ports.log('commit unapplied', {
        cause: result.cause.message,
        commands,
        done: 'refused them: nothing was changed',
      });
      break;
    case 'uncertain':
      ports.log('commit uncertain', {
        cause: result.cause.message,
        commands,
        done: 'answered them as uncertain; the next load wins the fence first',
      });
  }
}
