import { DurableObject } from 'cloudflare:workers';
import { hexDigestOf } from '../digest.ts';
import { type Command, isQuestion } from '../event/command.ts';
import type { IdempotencyKey } from '../event/idempotency.ts';
import { NO_COMMIT, type Reply } from '../event/queue.ts';
import { Sequencer } from '../event/sequencer.ts';
import { QUEUE_WAIT_MS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { type Store, StoreUnavailableError } from '../store/client.ts';
import { commit } from '../store/commit.ts';
import { UserDirectory } from '../store/directory.ts';
import { EventLoader } from '../store/load.ts';
import { findUsers } from '../store/users.ts';
import { type Measure, measured, openMetrics, type TablePorts } from './metrics.ts';
import { traced } from './tracing.ts';

/**
 * The sequencer of an event, with the tables as its ports.
 *
 * @param logDays how long entries of the log are kept; 0: there is none
 * @param measure takes each load and commit down
 */
export function openSequencer(
  store: Store,
  eventId: string,
  logDays: number,
  measure?: Measure,
): Sequencer {
  const loader = new EventLoader(store, eventId);
  const tables: TablePorts = {
    load: (options) => traced('load', () => loader.load(options)),
    commit: (version, changeSet) =>
      traced('commit', () => commit(store, version, changeSet, crypto.randomUUID())),
  };
  const sequencer: Sequencer = new Sequencer({
    ...(measure ? measured(tables, measure, () => sequencer.queueLength) : tables),
    trace: traced,
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    hash: hexDigestOf,
    logDays,
    // biome-ignore lint/suspicious/noConsole: the platform's log
    log: (problem, details) => console.warn(JSON.stringify({ problem, eventId, ...details })),
  });
  return sequencer;
}

/** The object of one event: the only place where the rules and the store meet. */
export class EventObject extends DurableObject<Env> {
  readonly #sequencer: Sequencer;
  readonly #users: UserDirectory;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const eventId = ctx.id.name;
    if (eventId === undefined)
      throw new Error('an event object is addressed by the id of its event');
    const { sequencer, users } = this.openEvent(env, eventId);
    this.#sequencer = sequencer;
    this.#users = users;
  }

  /** Opens what the object works with. Tests override it to use another store. */
  protected openEvent(env: Env, eventId: string): { sequencer: Sequencer; users: UserDirectory } {
    const { config, store, knownUsers } = servicesOf(env);
    const measure = env.METRICS && openMetrics(env.METRICS, eventId);
    return {
      sequencer: openSequencer(store, eventId, config.logDays, measure),
      users: new UserDirectory((userIds) => findUsers(store, userIds), knownUsers),
    };
  }

  /**
   * Carries out a command: at most once for a key, whose first outcome is answered again.
   *
   * @param actor who asks, as the log tells it
   */
  async execute(
    command: Command,
    key?: IdempotencyKey,
    actor: string | null = null,
  ): Promise<Reply> {
    const askedAt = Date.now();
    const absence = await this.#checkUserOf(command, askedAt + QUEUE_WAIT_MS);
    const queuedAt = Date.now();
    const reply: Reply =
      absence ?? (await this.#sequencer.submit(command, askedAt + QUEUE_WAIT_MS, key, actor));
    if (isQuestion(command)) return reply;
    // The sequencer's times start after the look-up of the user, so that is added. A reply without a commit has none.
    const { queueMs, ...commit } = reply.timing ?? { queueMs: Date.now() - queuedAt, ...NO_COMMIT };
    return { ...reply, timing: { queueMs: queuedAt - askedAt + queueMs, ...commit } };
  }

  /**
   * Carries out the commands of a bulk request, in order. Each has its own outcome, and its own key.
   *
   * @param actor who asks, as the log tells it
   * @returns a reply for each command; one reply where the whole request is refused and changes nothing
   */
  executeAll(
    commands: Command[],
    key?: IdempotencyKey,
    actor: string | null = null,
  ): Promise<Reply | Reply[]> {
    const expiresAt = Date.now() + QUEUE_WAIT_MS;
    return this.#sequencer.submitAll(expiresAt, key, async () => {
      // All users are looked up first, so that the commands reach the queue in order.
      const absences = await Promise.all(
        commands.map((command) => this.#checkUserOf(command, expiresAt)),
      );
      return Promise.all(
        commands.map(
          (command, i) =>
            absences[i] ??
            this.#sequencer.submit(command, expiresAt, key && commandKey(key, i), actor),
        ),
      );
    });
  }

  /** The refusal when the command's user does not exist, or can't be looked up; null for a command that needs no user. */
  async #checkUserOf(command: Command, expiresAt: number): Promise<Reply | null> {
    const needsUser = command.type === 'register' || command.type === 'stand';
    if (!needsUser || this.#sequencer.isAbsent) return null;
    return this.#checkUser(command.userId, expiresAt);
  }

  /** Null for a user who exists; a user with a place in the event does. */
  async #checkUser(userId: string, expiresAt: number): Promise<Reply | null> {
    if (this.#sequencer.knows(userId) || this.#users.isKnown(userId)) return null;
    this.#sequencer.warmUp();
    try {
      const exists = await this.#users.exists(userId, expiresAt);
      return exists ? null : { type: 'refused', reason: 'no-such-user' };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return { type: 'unavailable', reason: 'unreachable' };
    }
  }
}

/** The key of one command of a bulk request. It is used up in the same transaction as the command's change. */
function commandKey({ id, fingerprint }: IdempotencyKey, index: number): IdempotencyKey {
  return { id: `${id}#${index}`, fingerprint };
}
