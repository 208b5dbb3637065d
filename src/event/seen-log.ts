import type { LogChange, LogEntry } from './log.ts';

/** What is known of a change without the user, where that may not be seen. */
type Seen<Change> = Change extends { userId: string }
  ? Omit<Change, 'userId'> & { userId?: string | undefined }
  : Change;

/** A change as the API tells it: `userId` is only there for whoever may see users. */
export type SeenChange = Seen<LogChange>;

/** An entry as the API tells it, without who made the changes. */
export type SeenEntry = Omit<LogEntry, 'changes' | 'actors'> & { changes: SeenChange[] };

/** The first thing in a log that does not hold. The message is one sentence, and names the version. */
export class LogFault extends Error {
  override readonly name = 'LogFault';
  readonly version: number;

  /** @param what goes on after `Version N: ` */
  constructor(version: number, what: string) {
    super(`Version ${version}: ${what}.`);
    this.version = version;
  }
}

/** A change in few words. */
export function nameOf(change: SeenChange): string {
  const position = 'position' in change ? ` at position ${change.position}` : '';
  return change.type + position;
}
