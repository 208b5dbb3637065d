import type { Operation } from './history.ts';
import type { Random } from './random.ts';

/**
 * What clients think of an event by what they were told: a guess, since answers cross. Asking by it,
 * they mostly ask for what can be done, without which little would ever change.
 */
export class Guess {
  /** Whether somebody was told that nobody can register for now. */
  isPaused = false;
  readonly #seated = new Set<string>();
  readonly #waiting = new Set<string>();

  learn({ request, outcome }: Operation): void {
    if ('userId' in request && request.type !== 'stand') {
      const { userId } = request;
      if (outcome.type === 'registered') this.#sit(userId);
      if (outcome.type === 'waitlisted') this.#waiting.add(userId);
      if (request.type === 'unregister') this.#seated.delete(userId);
      if (request.type === 'leaveLine') this.#waiting.delete(userId);
    }
    if (outcome.type === 'unregistered' && outcome.promoted) this.#sit(outcome.promoted.userId);
    if (outcome.type === 'updated') {
      for (const { userId } of outcome.promoted) this.#sit(userId);
      this.isPaused = outcome.settings.status !== 'OPEN';
    }
    if (outcome.type === 'refused') {
      this.isPaused = outcome.reason === 'paused' || outcome.reason === 'closed';
    }
  }

  /** Somebody for whom this request makes sense, mostly. */
  pickUser(type: string, userIds: string[], random: Random): string {
    const fit =
      type === 'unregister'
        ? this.#seated
        : type === 'leaveLine'
          ? this.#waiting
          : new Set<string>();
    const isKnown = fit.size > 0 && random.chance(0.7);
    return random.pick(isKnown ? [...fit] : userIds);
  }

  #sit(userId: string): void {
    this.#waiting.delete(userId);
    this.#seated.add(userId);
  }
}
