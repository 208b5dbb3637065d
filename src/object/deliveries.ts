import {
  type DeliveryJob,
  type DeliveryReport,
  type Pointer,
  pointerDueAt,
  type Reminder,
} from '../event/outbox.ts';
import { dueReminders, pointerOf, type Reminders } from '../event/reminders.ts';
import type { EventView } from '../event/state.ts';
import { DELIVERIES_MAX_IN_A_ROW, DELIVERY_REST_MS } from '../limits.ts';

/** What deliveries need of the object. */
export interface DeliveriesDeps {
  eventId: string;
  /** The names of the endpoints. */
  endpoints: readonly string[];
  /** Left out where nobody is reminded of offers. */
  reminders?: Reminders | undefined;
  /** The event as committed; null when it is not in memory. */
  state(): EventView | null;
  /** Sends what is due to one endpoint, in a context of its own. */
  deliver(job: DeliveryJob): Promise<DeliveryReport>;
  /** Records how far a delivery came, and tells whether it could. */
  move(from: DeliveryJob['pointer'], to: DeliveryJob['pointer']): Promise<boolean>;
  /** Told of each delivery. */
  measure(job: DeliveryJob, report: DeliveryReport, ms: number): void;
  now(): number;
  log(problem: string, details: Record<string, unknown>): void;
}

/**
 * Sends the log of an event to each endpoint: one delivery at a time for each, and none waits for
 * another's. What is not done when the object ends is found in the event item, by the next alarm.
 */
export class Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #running = new Map<string, Promise<void>>();
  /** Epoch milliseconds until which an endpoint is left alone, since a delivery could not be tried. */
  readonly #restsUntil = new Map<string, number>();

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps;
  }

  /** Begins to send whatever is due and not being sent. */
  kick(): void {
    for (const name of this.#deps.endpoints) {
      if (this.#running.has(name) || this.#jobFor(name) === null) continue;
      this.#running.set(name, this.#run(name));
    }
  }

  /** Done when nothing is being sent. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** What there is to send to an endpoint now. */
  #jobFor(name: string): DeliveryJob | null {
    const { now, eventId } = this.#deps;
    const nowMs = now();
    if ((this.#restsUntil.get(name) ?? 0) > nowMs) return null;
    const state = this.#deps.state();
    if (!state?.log) return null;
    const { version: head, from } = state.log;
    const pointer = pointerOf(state, name);
    const dueAt = pointerDueAt(pointer, head);
    const reminders = this.#remindersFor(state, pointer, nowMs);
    if (reminders.length === 0 && (dueAt === null || dueAt > nowMs)) return null;
    return { eventId, pointer, head, from, ...(reminders.length > 0 ? { reminders } : {}) };
  }

  #remindersFor(state: EventView, pointer: Pointer, nowMs: number): Reminder[] {
    const { reminders } = this.#deps;
    if (!reminders?.endpoints.includes(pointer.name) || pointer.isEnded) return [];
    return dueReminders(state, pointer, reminders.leadMs, nowMs);
  }

  async #run(name: string): Promise<void> {
    try {
      for (let count = 0; count < DELIVERIES_MAX_IN_A_ROW; count++) {
        const job = this.#jobFor(name);
        if (!job) return;
        if (await this.#deliver(name, job)) continue;
        this.#restsUntil.set(name, this.#deps.now() + DELIVERY_REST_MS);
        return;
      }
    } finally {
      // In the same turn as the last look for a job: whatever is committed after it is kicked anew.
      this.#running.delete(name);
    }
  }

  /** Makes one delivery, and tells whether it was recorded how far it came. */
  async #deliver(name: string, job: DeliveryJob): Promise<boolean> {
    const { deliver, move, measure, now, log } = this.#deps;
    const startedAt = now();
    try {
      const report = await deliver(job);
      measure(job, report, now() - startedAt);
      const isRecorded = await move(job.pointer, report.pointer);
      if (!isRecorded) log('delivery not recorded', { endpoint: name, done: 'sends it again' });
      return isRecorded;
    } catch (error) {
      log('delivery not tried', { endpoint: name, error: String(error), done: 'tries again' });
      return false;
    }
  }
}
