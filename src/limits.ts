/** Bounds of the engine, the store and the outbox, with the unit in the name and the reason above. */

/** Longest user or event id, in Unicode code points (what JSON Schema and the contract call characters). */
export const ID_MAX_CHARS = 100;

/** Longest name of a user or an event, in Unicode code points. */
export const NAME_MAX_CHARS = 200;

/** Seats an event can have. */
export const CAPACITY_MAX = 100_000;

/** People that can wait for one event. */
export const WAITLIST_MAX_ENTRIES = 100_000;

/** What a row takes of `EVENT_MAX_BYTES` beside its texts: its columns, and its share of the map. */
export const PLACE_BYTES = 80;

/**
 * What the rows of an event may take in memory, as `bytesOf` counts it, so that the object of the largest event
 * stays below the platform's 128 MB while it loads. `CAPACITY_MAX` seats and `WAITLIST_MAX_ENTRIES` entries fit
 * with user ids of `ID_MAX_CHARS` characters of one UTF-16 code unit each, and 4 MB more for reasons and for
 * seats past the capacity. Only an event with longer ids, such as of emoji, reaches this bound first.
 */
export const EVENT_MAX_BYTES =
  (CAPACITY_MAX + WAITLIST_MAX_ENTRIES) * (PLACE_BYTES + 2 * ID_MAX_CHARS) + 4_000_000;

/** People that the answer to a change lists; its count is of all. An RPC answer is limited to 32 MiB. */
export const CHANGE_MAX_LISTED = 1_000;

/** Longest reason for seating somebody past the capacity, in Unicode code points. */
export const OVERRIDE_REASON_MAX_CHARS = 500;

/** How long a seat can be offered, in seconds: as long as it takes to answer a message, up to a week. */
export const OFFER_MIN_SECONDS = 10;
export const OFFER_MAX_SECONDS = 7 * 24 * 60 * 60;

/** How much longer than the reminder an offer has to last to have one: longer than a commit takes and clocks differ. */
export const REMINDER_MIN_AGE_MS = 5_000;

/** The `index` of reminders, plus the position of the offer: above that of each other message: an entry has 98 changes. */
export const REMINDER_FIRST_INDEX = 1_000;

/** Longest name of a time zone; the longest that there is has 30. */
export const TIME_ZONE_MAX_CHARS = 64;

/**
 * Offers that end in one step: three rows each, with what becomes of their seats. A quarter of the transaction is
 * left to others who ask. More offers end in the next step.
 */
export const EXPIRY_MAX_OFFERS = 24;

/**
 * Seats of a raise that are given to the line in one step while others wait. Each is two rows, so a third of a
 * transaction is left to the others. While nobody waits a step takes what fits.
 */
export const STEP_MAX_SEATS = 32;

/** Updates of an event whose seats are still being given. Each keeps what it will answer: up to 1 000 seats and offers. */
export const OPEN_UPDATES_MAX = 20;

/** Users in one bulk registration. */
export const BULK_MAX_USERS = 1_000;

/** Rows in one page of a list. */
export const PAGE_MAX_ROWS = 1_000;
export const PAGE_DEFAULT_ROWS = 100;

/** How long the outcome of a request with an `Idempotency-Key` is kept. */
export const IDEMPOTENCY_TTL_SECONDS = 24 * 60 * 60;

/**
 * Records of used keys that an event keeps in memory, in characters of ids and outcomes: about 2 000 records.
 * A replay of one of them costs no transaction.
 */
export const USED_KEYS_MAX_CHARS = 1024 * 1024;

/**
 * How long an event that was found not to exist counts as absent, without asking the table again. As long an event that
 * the seed system wrote counts as not adopted: a load of it may have read the first page of each index.
 */
export const ABSENCE_MEMORY_MS = 1_000;

/** How long the log of an event is kept, in days: by default, and at most. */
export const LOG_DEFAULT_DAYS = 30;
export const LOG_MAX_DAYS = 3_650;

/**
 * Changes that one page of the log holds before it ends, whatever its limit: an entry has up to 98, and a
 * change is 300 bytes with long ids.
 */
export const LOG_PAGE_MAX_CHANGES = 10_000;

/**
 * BatchGetItem calls that one page of the log may take. Versions have gaps, where nothing changed or
 * entries have expired; a page that meets many of them ends early.
 */
export const LOG_PAGE_MAX_READS = 20;

/** Endpoints that are told of changes; each is sent every message, and has its own place in the log. */
export const WEBHOOKS_MAX_ENDPOINTS = 5;

/** Secrets of one endpoint: the old and the new one while they are rotated, and one to spare. */
export const WEBHOOK_MAX_SECRETS = 3;

/** How long a secret may be, in bytes: as Standard Webhooks has it. */
export const WEBHOOK_SECRET_MIN_BYTES = 24;
export const WEBHOOK_SECRET_MAX_BYTES = 64;

/** Longest URL of an endpoint. */
export const WEBHOOK_URL_MAX_CHARS = 2_048;

/** Types that one endpoint may name: more than there are. */
export const WEBHOOK_MAX_TYPES = 30;

/**
 * Messages that an endpoint has not taken, and that will be sent again. With so many it is taken to be down:
 * no other is begun. They stand in the event item, at about 60 bytes each.
 */
export const OUTBOX_MAX_OPEN = 8;

/** Deliveries in a row to one endpoint; the next alarm goes on. The platform lets a request call 32 others. */
export const DELIVERIES_MAX_IN_A_ROW = 25;

/** How long an endpoint rests when a delivery could not even be tried: the log could not be read. */
export const DELIVERY_REST_MS = 10_000;

/** How long what the object does by itself may wait for its turn: it is never refused for a full queue. */
export const OWN_COMMAND_WAIT_MS = 30_000;

/**
 * How long the alarm leaves to what is done anyway: messages are sent right after their commit, and the
 * alarm is for those that a crash left behind. With it a storm sets one alarm in two seconds.
 */
export const ALARM_GRACE_MS = 2_000;

/** By how much the platform's clock may be ahead of this machine's. An alarm that goes off earlier than that is another call of the last one. */
export const ALARM_EARLY_MAX_MS = 2_000;

/**
 * How long after it is sent the creation of an event may still be carried out: `COMMIT_DEADLINE_MS`, and some seconds
 * for a call that is under way when nobody waits for it any more. An alarm that goes off later finds the event, or
 * there is none.
 */
export const CREATION_LANDS_MS = 5_000;

/** Steps that one alarm does; the next goes on. 1 000 of them end 24 000 offers. */
export const WAKE_MAX_STEPS = 1_000;

/** When the object is woken again that could not read what is due. */
export const ALARM_RETRY_MS = 10_000;

/** How long something has to be due before the hourly look takes the alarm to be lost. */
export const OVERDUE_MS = 5 * 60 * 1_000;

/** Events that the hourly look wakes side by side: of an invocation's six connections. */
export const OVERDUE_WAKES_AT_A_TIME = 5;

/** Endpoints whose place in the log an event keeps: those that are configured, and some that were. */
export const OUTBOX_MAX_POINTERS = 10;
/** Messages that one delivery sends: so many calls and at most 200 reads, of an invocation's 10 000. */
export const OUTBOX_MAX_MESSAGES = 300;

/** Messages in flight at a time: the platform's six connections; a seventh would wait with its time running. */
export const OUTBOX_MAX_IN_FLIGHT = 6;

/** After how long a delivery begins no other message: what it found out is to be kept soon. */
export const OUTBOX_BEGIN_MS = 20_000;

/** How long an endpoint may take for an answer. */
export const OUTBOX_TIMEOUT_MS = 15_000;

/**
 * Pages of the log that one delivery reads for new messages, each of at most `LOG_PAGE_MAX_READS` calls, and
 * changes after which it reads no other. The first page is short: an entry has 1 to 98 changes.
 */
export const OUTBOX_MAX_PAGES = 10;
export const OUTBOX_MAX_CHANGES = 10_000;
export const OUTBOX_FIRST_PAGE_ENTRIES = 10;

/** How long after each failed attempt a message is sent again. The attempt after the last is the last. */
export const OUTBOX_RETRY_DELAYS_MS = [
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
  24 * 3_600_000,
];

/** By how much of itself such a delay is drawn longer or shorter, so that not all return at once. */
export const OUTBOX_JITTER = 0.2;

/** The longest `Retry-After` that is heeded. */
export const OUTBOX_RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/** Actions in one TransactWriteItems call: DynamoDB's own limit. */
export const TRANSACTION_MAX_ACTIONS = 100;

/** Keys in one BatchGetItem call: DynamoDB's own limit. */
export const BATCH_GET_MAX_KEYS = 100;

/**
 * Commands that wait for one event at a time. DynamoDB takes about 1 000 writes/s for one event
 * (its rows share an index partition), so more than `QUEUE_WAIT_MS` worth of them would only time out.
 */
export const QUEUE_MAX_COMMANDS = 2_500;

/** How long a command may wait before it is decided. With `COMMIT_DEADLINE_MS` it stays under 5 s. */
export const QUEUE_WAIT_MS = 2_500;

/**
 * With at least so many commands in the queue, the next commit is sent before the replies of the last one, which
 * then leave during its round trip. With fewer, the replies leave first, so that requests that they trigger can
 * share the commit.
 */
export const EAGER_COMMIT_MIN_COMMANDS = 16;

/** Replies that leave in one turn of the event loop: each takes some tenths of a millisecond. */
export const REPLIES_PER_TURN = 16;

/** How often the queue is searched for expired commands. */
export const QUEUE_SWEEP_MS = 250;

/** How long a commit is tried, retries included, before its callers are told that it is uncertain. */
export const COMMIT_DEADLINE_MS = 2_000;

/** How long one attempt of a write or a single read may take: far above a transaction's p99.9. */
export const ATTEMPT_TIMEOUT_MS = 800;

/** Time that has to be left before a deadline for another attempt: a few times a transaction's p50. */
export const ATTEMPT_MIN_MS = 100;

/** How long one read is tried, retries included. */
export const READ_DEADLINE_MS = 2_000;

/** How long one attempt of an index page (up to 1 MB) may take. */
export const PAGE_TIMEOUT_MS = 1_500;

/**
 * How long after its start a load may begin its third pass. The second pass is always made. Commands in the
 * queue expire earlier; when they are sent again, the event may be loaded.
 */
export const LOAD_DEADLINE_MS = 10_000;

/** The pauses before a load's second and third pass: an index usually lags by milliseconds, at times by a second. */
export const LOAD_SECOND_PASS_PAUSE_MS = 150;
export const LOAD_THIRD_PASS_PAUSE_MS = 1_000;

/** How long the tables are not read again for an event whose load could not be proven. */
export const LOAD_REST_MS = 3_000;

/**
 * Ranges of a line that are read in parallel, and from how many entries on. A page has 1 200 rows with the
 * longest ids. With the other index a load has four calls in flight, of an object's six connections.
 */
export const LINE_RANGES = 3;
export const LINE_RANGES_MIN_ENTRIES = 2_000;

/** From how many seats on their index is read from both ends. A load has four calls in flight all the same: */
export const BOTH_ENDS_MIN_SEATS = 2_000;
export const LINE_RANGES_BESIDE_BOTH_ENDS = 2;

/** Attempts to win the fence while others write the same event. */
export const FENCE_MAX_ATTEMPTS = 10;

/** How long reading a user's events may take, all pages and retries included. */
export const USER_EVENTS_DEADLINE_MS = 4_500;

/** BatchGetItem calls for a user's events that are in flight at a time, of a request's six connections. */
export const USER_EVENTS_MAX_IN_FLIGHT = 4;

/** Bounds of the pause before a retry; the pause is drawn at random below a ceiling that doubles. */
export const BACKOFF_FIRST_MS = 25;
export const BACKOFF_MAX_MS = 400;

/** User ids that an isolate remembers as existing: about 10 MB with the longest ids, 2 MB with usual ones. */
export const KNOWN_USERS_MAX = 20_000;

/**
 * How long an isolate takes a user to exist whom a look-up has found, counted from when the look-up was sent.
 * What it lets in by that is committed 4.5 s later at most (`QUEUE_WAIT_MS`, `COMMIT_DEADLINE_MS`): long before
 * an erasure looks for the second time, and has the indexes catch up.
 */
export const KNOWN_USERS_MS = 25_000;

/**
 * How long after an erasure has begun it can be finished: more than twice `KNOWN_USERS_MS`, and below the 60 s
 * that a caller is promised.
 */
export const ERASURE_WAIT_MS = 55_000;

/**
 * How long the second look of an erasure waits between the line and the registrations, while a promotion may
 * take somebody from the one to the other: an index is behind for milliseconds, at times for a second.
 */
export const ERASURE_PAUSE_MS = 1_500;

/** After how long an erasure begins to give up no more places; the next call goes on. */
export const ERASURE_WORK_MS = 20_000;

/** Events that one look of an erasure finds; the next goes on. */
export const ERASURE_MAX_EVENTS = 1_000;

/** Events in which an erasure gives up places side by side: of a request's six connections. */
export const ERASURE_MAX_IN_FLIGHT = 5;

/** Places that the answer to an erasure lists. They stand in one item of 400 KB, with ids of up to 400 bytes. */
export const ERASURE_MAX_LISTED = 500;

/** User look-ups that wait at one object at a time: as many as commands. */
export const LOOKUPS_MAX_PENDING = QUEUE_MAX_COMMANDS;

/** BatchGetItem calls for users that one object has in flight at a time: one is too few for long round trips. */
export const LOOKUPS_MAX_IN_FLIGHT = 2;

/** How old the answer of `/health/ready` may be: the call is public, and each check costs a call to each table. */
export const READY_MAX_AGE_MS = 1_000;

/** How long one request may check the tables for all others, and how often those look whether it is done. */
export const READY_TURN_MS = READ_DEADLINE_MS + 500;
export const READY_POLL_MS = 50;
