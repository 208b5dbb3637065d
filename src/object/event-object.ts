import { DurableObject } from 'cloudflare:workers';
import type { Config } from '../config.ts';
import { type Command, isQuestion } from '../event/command.ts';
import { dueAtOf, type Told } from '../event/due.ts';
import type { IdempotencyKey } from '../event/idempotency.ts';
import { isWanted } from '../event/messages.ts';
import type { Offer } from '../event/model.ts';
import { NO_COMMIT, type Reply } from '../event/queue.ts';
import { isDue } from '../event/rules/offer.ts';
import type { Sequencer } from '../event/sequencer.ts';
import { ALARM_RETRY_MS, OWN_COMMAND_WAIT_MS, QUEUE_WAIT_MS, WAKE_MAX_STEPS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { sleep } from '../sleep.ts';
import { StoreUnavailableError } from '../store/client.ts';
import { UserDirectory } from '../store/directory.ts';
import { findUsers } from '../store/users.ts';
import { Alarm } from './alarm.ts';
import { Deliveries } from './deliveries.ts';
import { deliveryPoint, type Measure, openMetrics } from './metrics.ts';
import { openSequencer, type SequencerOptions } from './open-sequencer.ts';
import { Sockets, type WatchRequest } from './sockets.ts';

/** The object of one event: the only place where the rules and the store meet. */
export class EventObject extends DurableObject<Env> {
  readonly #sequencer: Sequencer;
  readonly #users: UserDirectory;
  readonly #alarm: Alarm;
  readonly #deliveries: Deliveries;
  readonly #sockets: Sockets;
  readonly #told: Told;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const eventId = ctx.id.name;
    if (eventId === undefined)
      throw new Error('an event object is addressed by the id of its event');
    const { config } = servicesOf(env);
    const measure = env.METRICS && openMetrics(env.METRICS, eventId);
    this.#told = toldBy(config);
    this.#alarm = new Alarm(ctx.storage, () => Date.now());
    this.#deliveries = this.#openDeliveries(eventId, measure);
    this.#sockets = this.#openSockets(eventId);
    const { sequencer, users } = this.openEvent(env, eventId, {
      logDays: config.logDays,
      told: this.#told,
      measure,
      arm: (dueAt, isCreation) =>
        isCreation ? this.#alarm.ensureAfterCreation() : this.#alarm.ensure(dueAt),
      announce: () => {
        this.#deliveries.kick();
        this.#sockets.changed();
      },
    });
    this.#sequencer = sequencer;
    this.#users = users;
  }

  /** Opens what the object works with. Tests override it to use another store. */
  protected openEvent(
    env: Env,
    eventId: string,
    options: SequencerOptions,
  ): { sequencer: Sequencer; users: UserDirectory } {
    const { store, knownUsers } = servicesOf(env);
    return {
      sequencer: openSequencer(store, eventId, options),
      users: new UserDirectory((userIds) => findUsers(store, userIds), knownUsers),
    };
  }

  #openDeliveries(eventId: string, measure: Measure | undefined): Deliveries {
    return new Deliveries({
      eventId,
      ...this.#told,
      state: () => this.#sequencer.state,
      // Not over the object's own connections: an endpoint that hangs would hold up commits.
      deliver: (job) => this.ctx.exports.Outbox.deliver(job),
      move: async (from, to) =>
        (await this.#submitOwn({ type: 'movePointer', from, to })).type === 'pointerMoved',
      measure: (job, report, ms) => measure?.(deliveryPoint(job, report, ms)),
      now: () => Date.now(),
      // biome-ignore lint/suspicious/noConsole: the platform's log
      log: (problem, details) => console.warn(JSON.stringify({ problem, eventId, ...details })),
    });
  }

  #openSockets(eventId: string): Sockets {
    return new Sockets({
      ctx: this.ctx,
      ask: (userId) => this.execute(userId === null ? { type: 'read' } : { type: 'stand', userId }),
      answerNow: (question) => this.#sequencer.answerNow(question),
      version: () => this.#sequencer.state?.log?.version ?? this.#sequencer.state?.version ?? 0,
      warmUp: () => this.#sequencer.warmUp(),
      // biome-ignore lint/suspicious/noConsole: the platform's log
      log: (problem, details) => console.warn(JSON.stringify({ problem, eventId, ...details })),
    });
  }

  /** Opens a socket that tells what happens. The worker has checked who asks. */
  override fetch(request: Request): Promise<Response> {
    const who: WatchRequest = JSON.parse(decodeURIComponent(new URL(request.url).search.slice(1)));
    return this.#sockets.open(who);
  }

  /** The platform answers pings by itself; this is anything else. */
  override webSocketMessage(socket: WebSocket): void {
    this.#sockets.refuse(socket);
  }

  /** Answers the close of a client, who would wait for it otherwise. */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  #submitOwn(command: Command): Promise<Reply> {
    return this.#submit(command, Date.now() + OWN_COMMAND_WAIT_MS);
  }

  async #submit(...command: Parameters<Sequencer['submit']>): Promise<Reply> {
    const reply = await this.#sequencer.submit(...command);
    // Nobody knows what was committed: those who watch are told as soon as it is known.
    if (reply.type === 'unavailable' && reply.reason === 'uncertain') this.#sockets.changed();
    return reply;
  }

  /**
   * Does what is due. It goes through the queue, so that a commit that is under way is over: what it
   * made due is seen.
   *
   * The platform's clock can be ahead of this machine's. Then nothing is due yet, and an alarm that is set again for
   * the same time goes off at once, in a loop, and is sometimes lost. So an early alarm waits, and counts as set until then.
   */
  override async alarm(): Promise<void> {
    const { earlyMs } = this.#alarm;
    if (earlyMs > 0) await sleep(earlyMs);
    this.#alarm.wentOff();
    try {
      await this.#doWhatIsDue();
      this.#deliveries.kick();
      await this.#deliveries.settled();
    } finally {
      await this.#armAgain();
    }
  }

  /** Wakes the object, so that it finds what is due: for whoever suspects that its alarm was lost. */
  async wake(): Promise<void> {
    this.#alarm.doubt();
    await this.#doWhatIsDue();
    await this.#armAgain();
  }

  /**
   * Whether an offer can be taken now, and has this end.
   *
   * @throws when that cannot be found out
   */
  async isOffered({ userId, offerId, expiresAt }: Offer): Promise<boolean> {
    const reply = await this.#submitOwn({ type: 'stand', userId });
    if (reply.type !== 'standing') {
      if (reply.type === 'refused') return false;
      throw new Error(`nobody knows whether the offer is open: ${reply.type}`);
    }
    const { offer } = reply;
    return offer?.offerId === offerId && offer.expiresAt === expiresAt;
  }

  /** Step by step, since one ends only so many offers; other commands come in between. */
  async #doWhatIsDue(): Promise<void> {
    for (let step = 0; step < WAKE_MAX_STEPS; step++) {
      const { type } = await this.#submitOwn({ type: 'wake' });
      const { state } = this.#sequencer;
      if (type !== 'woken' || !state || !isDue(state, Date.now())) return;
    }
  }

  async #armAgain(): Promise<void> {
    const { state } = this.#sequencer;
    if (!state) {
      if (!this.#sequencer.isAbsent) await this.#alarm.ensure(Date.now() + ALARM_RETRY_MS);
      return;
    }
    const dueAt = dueAtOf(state, this.#told, Date.now());
    if (dueAt !== null) await this.#alarm.ensure(dueAt);
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
    if (command.type === 'giveUp') this.#users.forget(command.userId);
    const absence = await this.#checkUserOf(command, askedAt + QUEUE_WAIT_MS);
    const queuedAt = Date.now();
    const reply: Reply =
      absence ?? (await this.#submit(command, askedAt + QUEUE_WAIT_MS, key, actor));
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
            absences[i] ?? this.#submit(command, expiresAt, key && commandKey(key, i), actor),
        ),
      );
    });
  }

  /**
   * The refusal when the command's user does not exist, or can't be looked up; null for a command that needs no
   * user. A place in the event is proof enough for a question. It is not for a registration: an erasure may
   * give the place up before that is decided.
   */
  async #checkUserOf(command: Command, expiresAt: number): Promise<Reply | null> {
    if (this.#sequencer.isAbsent) return null;
    if (command.type === 'register') return this.#checkUser(command.userId, expiresAt);
    if (command.type !== 'stand' || this.#sequencer.knows(command.userId)) return null;
    return this.#checkUser(command.userId, expiresAt);
  }

  /** Null for a user who exists. */
  async #checkUser(userId: string, expiresAt: number): Promise<Reply | null> {
    if (this.#users.isKnown(userId)) return null;
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

/** Who is told what, by the settings. */
function toldBy({ webhooks, offerReminderSeconds }: Config): Told {
  const namesOf = (all: Config['webhooks']) => all.map(({ name }) => name);
  const endpoints = namesOf(webhooks);
  if (offerReminderSeconds === null) return { endpoints };
  const wanting = webhooks.filter(({ types }) => isWanted('offer.expiring', types));
  const reminders = { leadMs: offerReminderSeconds * 1_000, endpoints: namesOf(wanting) };
  return { endpoints, reminders };
}

/** The key of one command of a bulk request. It is used up in the same transaction as the command's change. */
function commandKey({ id, fingerprint }: IdempotencyKey, index: number): IdempotencyKey {
  return { id: `${id}#${index}`, fingerprint };
}
