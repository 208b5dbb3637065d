import type { Operation, Outcome, PeopleList } from './history.ts';
import { offersIn } from './known-offers.ts';
import type { Random } from './random.ts';

/**
 * What clients believe about an event, from the answers that they got. It is only a guess, since answers overtake
 * each other. Requests that follow it mostly succeed; random ones would change little.
 */
export class Guess {
  /** Whether the last answer about it said that the event is not `OPEN`. */
  isPaused = false;
  /** Whether the last refusal was about the window. */
  isShut = false;
  /** Whether the last refusal said that the line has ended. */
  isLineOver = false;
  /** The last revision that an answer had; null before the first. */
  revision: number | null = null;
  /** For each list, where the last page ended that another page follows. */
  readonly cursors = new Map<PeopleList, number>();
  readonly #seated = new Set<string>();
  readonly #waiting = new Set<string>();
  readonly #offered = new Set<string>();

  learn({ request, outcome }: Operation): void {
    this.#learnOfEvent(outcome);
    if (request.type === 'list' && outcome.type === 'page') {
      if (outcome.next === null) this.cursors.delete(request.list);
      else this.cursors.set(request.list, outcome.next);
    }
    if ('userId' in request && request.type !== 'stand') {
      const { userId } = request;
      if (outcome.type === 'registered') this.#sit(userId);
      if (outcome.type === 'waitlisted') this.#waiting.add(userId);
      if (request.type === 'unregister') this.#seated.delete(userId);
      if (request.type === 'leaveLine') {
        this.#waiting.delete(userId);
        this.#offered.delete(userId);
      }
    }
    for (const { userId } of offersIn(outcome)) {
      this.#waiting.delete(userId);
      if (outcome.type !== 'declined') this.#offered.add(userId);
    }
    if (outcome.type === 'unregistered' && outcome.promoted) this.#sit(outcome.promoted.userId);
    if (outcome.type === 'updated') {
      for (const { userId } of outcome.promoted) this.#sit(userId);
    }
  }

  #learnOfEvent(outcome: Outcome): void {
    if (outcome.type === 'created') this.revision = 1;
    if ('revision' in outcome) this.revision = outcome.revision;
    if (outcome.type === 'updated' || outcome.type === 'looked') {
      this.isPaused = outcome.settings.status !== 'OPEN';
      this.isShut = false;
      this.isLineOver = false;
    }
    if (outcome.type === 'refused') {
      this.isPaused = outcome.reason === 'paused' || outcome.reason === 'closed';
      this.isShut = outcome.reason === 'not open yet' || outcome.reason === 'closed already';
      this.isLineOver = outcome.reason === 'line ended';
    }
  }

  /** Picks a user; mostly one for whom this request makes sense. */
  pickUser(type: string, userIds: string[], random: Random): string {
    const fit =
      type === 'unregister'
        ? this.#seated
        : type === 'leaveLine'
          ? new Set([...this.#waiting, ...this.#offered])
          : type === 'register' || type === 'stand'
            ? this.#offered
            : new Set<string>();
    // Of whom an offer was made, some let it pass.
    const isKnown = fit.size > 0 && random.chance(fit === this.#offered ? 0.3 : 0.7);
    return random.pick(isKnown ? [...fit] : userIds);
  }

  #sit(userId: string): void {
    this.#waiting.delete(userId);
    this.#offered.delete(userId);
    this.#seated.add(userId);
  }
}
