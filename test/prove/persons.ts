import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, type Reply } from './client.ts';
import { givenName, isErasable, type Recorder } from './history.ts';
import { brief } from './report.ts';
import type { Tables } from './world.ts';

const RETRY_PAUSE_MS = 60;
/** A little after the time that was told: clocks of one machine are not exactly one. */
const CLOCK_TOLERANCE_MS = 10;

/** What those who ask about persons need of the world. */
export interface PersonDeps {
  /** A port to ask at; null while nothing listens. */
  port(): Promise<number | null>;
  recorder: Recorder;
  eventIds: string[];
  /** Told of what no history can explain. */
  onViolation(what: string): void;
}

/** Erases users and gives them other names, as a service does that tries again until it is told. */
export class Persons {
  readonly #deps: PersonDeps;
  readonly #client = new HttpClient();
  /** Of each user, the name that was acknowledged last, and those of which nobody was told. */
  readonly #names = new Map<string, { last: string; open: Set<string> }>();
  /** Whose erasure has begun, as far as anybody was told, or may have. */
  readonly #begun = new Set<string>();
  readonly #erased = new Set<string>();
  /** Erasures that were finished. */
  get erasures(): number {
    return this.#erased.size;
  }

  constructor(deps: PersonDeps) {
    this.#deps = deps;
  }

  close(): void {
    this.#client.close();
  }

  /** Sends the erasure of a user until it is done, or time is up; tells whether it is. */
  async erase(userId: string, until: number): Promise<boolean> {
    // Once more would take away whatever the erasure has left.
    if (this.#erased.has(userId)) return true;
    while (performance.now() < until) {
      const reply = await this.#askErasure(userId);
      if (reply?.status === 200) this.#erased.add(userId);
      if (reply?.status === 404) this.#endedBefore(userId);
      if (this.#erased.has(userId)) return true;
      if (reply?.status !== 202) {
        await sleep(RETRY_PAUSE_MS);
        continue;
      }
      await this.#expectGone(userId);
      const finishAfter = Date.parse(String(reply.body.finishAfter)) + CLOCK_TOLERANCE_MS;
      await sleep(Math.max(0, finishAfter - Date.now()));
    }
    return false;
  }

  /** An answer that was lost may have been the last. */
  #endedBefore(userId: string): void {
    if (!this.#begun.has(userId)) {
      this.#deps.onViolation(`${brief(userId)} is nobody before an erasure was asked for`);
    }
    this.#erased.add(userId);
  }

  /** Every call may have each event give up a place of the user, whatever is answered. */
  async #askErasure(userId: string): Promise<Reply | null> {
    const { recorder, eventIds } = this.#deps;
    for (const eventId of eventIds) recorder.begin('eraser', eventId, { type: 'giveUp', userId });
    const reply = await this.#call('DELETE', userId);
    if (reply?.status !== 404) this.#begun.add(userId);
    if (reply && ![200, 202, 404, 503].includes(reply.status)) {
      this.#deps.onViolation(
        `an erasure was answered ${reply.status}: ${JSON.stringify(reply.body)}`,
      );
    }
    return reply;
  }

  /** From the first answer on there is nobody to be found. */
  async #expectGone(userId: string): Promise<void> {
    const reply = await this.#call('GET', userId);
    if (reply && reply.status !== 404 && reply.status !== 503) {
      this.#deps.onViolation(
        `a user who is being erased is still told of: ${reply.status} ${JSON.stringify(reply.body)}`,
      );
    }
  }

  /** Gives a user so many names, one after the other. */
  async rename(userId: string, count: number, pauseMs: number): Promise<void> {
    for (let i = 1; i <= count; i++) {
      const name = givenName(i);
      const names = this.#names.get(userId) ?? { last: userId, open: new Set<string>() };
      this.#names.set(userId, names);
      names.open.add(name);
      const reply = await this.#call('PATCH', userId, { name });
      if (reply?.status === 200) {
        names.last = name;
        names.open.delete(name);
      } else if (reply?.status === 404 && !isErasable(userId)) {
        this.#deps.onViolation(`a user who exists could not be renamed: ${brief(userId)}`);
      }
      await sleep(pauseMs);
    }
  }

  /** What the tables show of persons that cannot be, when all is over. */
  check(tables: Tables): string[] {
    const faults: string[] = [];
    const { users, registrations, offers, waitlist, keys } = tables;
    for (const userId of this.#erased) {
      const rows = [...users, ...registrations, ...offers, ...waitlist];
      const id = JSON.stringify(userId);
      const left = [
        ...rows.filter((row) => row.userId === userId),
        ...keys.filter(({ outcome }) => outcome?.includes(id)),
      ];
      faults.push(
        ...left.map((row) => `something is left of who was erased: ${JSON.stringify(row)}`),
      );
    }
    for (const [userId, { last, open }] of this.#names) {
      if (isErasable(userId)) continue;
      const name = users.find((user) => user.userId === userId)?.name ?? '';
      if (name !== last && !open.has(name)) {
        faults.push(`an acknowledged name is gone: ${brief(userId)} is "${name}", not "${last}"`);
      }
    }
    return faults;
  }

  /** The answer, or null where there is none. */
  async #call(method: string, userId: string, content?: unknown): Promise<Reply | null> {
    try {
      const port = await this.#deps.port();
      if (port === null) return null;
      const path = `/registration/users/${encodeURIComponent(userId)}`;
      return await this.#client.call(port, method, path, content);
    } catch {
      // Whatever became of it: it is sent again, and what it may have done is in the history.
      return null;
    }
  }
}
