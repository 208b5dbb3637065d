/** Every bound of the service: the unit in the name, the reason above it. */

/** Longest user or event id, in Unicode code points (what JSON Schema and the contract call characters). */
export const ID_MAX_CHARS = 100;

/** Longest name of a user or an event, in Unicode code points. */
export const NAME_MAX_CHARS = 200;

/** Seats an event can have. */
export const CAPACITY_MAX = 100_000;

/** People that can wait for one event. */
export const WAITLIST_MAX_ENTRIES = 100_000;

/** What a seat, an offer or an entry takes of `EVENT_MAX_BYTES` beside its texts: columns, and its share of the map. */
export const PLACE_BYTES = 80;

/**
 * What the people of an event may take of the object's memory, as `bytesOf` counts it, so that the largest
 * event stays below the platform's 128 MB while it is loaded. `CAPACITY_MAX` and `WAITLIST_MAX_ENTRIES`
 * people fit with ids of `ID_MAX_CHARS` characters that have one UTF-16 code unit, and 4 MB for reasons
 * and for seats past the capacity. Who has ids of two, such as emoji, meets this first.
 */
export const EVENT_MAX_BYTES =
  (CAPACITY_MAX + WAITLIST_MAX_ENTRIES) * (PLACE_BYTES + 2 * ID_MAX_CHARS) + 4_000_000;

/** People that the answer to a change lists; it counts them all. An RPC answer is limited to 32 MiB. */
export const CHANGE_MAX_LISTED = 1_000;

/** Longest reason for seating somebody past the capacity, in Unicode code points. */
export const OVERRIDE_REASON_MAX_CHARS = 500;

/** How long a seat can be offered, in seconds: as long as it takes to answer a message, up to a week. */
export const OFFER_MIN_SECONDS = 10;
export const OFFER_MAX_SECONDS = 7 * 24 * 60 * 60;

/** Longest name of a time zone; the longest that there is has 30. */
export const TIME_ZONE_MAX_CHARS = 64;

/**
 * Offers that end in one decision. More that are over at once end in the next one, so that a decision stays
 * small in memory: each takes up to three rows, for the seat is offered on.
 */
export const EXPIRY_MAX_OFFERS = 1_000;

/** Users in one bulk registration. */
export const BULK_MAX_USERS = 1_000;

/** Largest body of a bulk registration: a thousand of the longest ids, escaped, and room. */
export const BULK_BODY_MAX_BYTES = 1_536 * 1024;

/** Rows in one page of a list. */
export const PAGE_MAX_ROWS = 1_000;
export const PAGE_DEFAULT_ROWS = 100;

/** Longest `Idempotency-Key`, in visible ASCII characters. */
export const IDEMPOTENCY_KEY_MAX_CHARS = 255;

/** How long the outcome of a request with an `Idempotency-Key` is kept. */
export const IDEMPOTENCY_TTL_SECONDS = 24 * 60 * 60;

/**
 * Outcomes of used keys that an event keeps in memory, in characters of their JSON: about 2 000 of them.
 * A replay of one of these costs no transaction.
 */
export const USED_KEYS_MAX_CHARS = 1024 * 1024;

/** How long an event that was found not to exist is taken not to, without asking the table again. */
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

/** Largest request body. The largest valid one is under 2 KiB; the rest is room for escapes. */
export const BODY_MAX_BYTES = 64 * 1024;

/** Faults that one refusal lists: a body can be wrong in thousands of ways, and each is a line of the answer. */
export const FIELD_ERRORS_MAX = 100;

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
 * With so many commands waiting the next commit goes out before the replies of the last: their work then
 * hides its round trip. With fewer, replies first: those whom they call forth share the commit.
 */
export const EAGER_COMMIT_MIN_COMMANDS = 16;

/** Replies that leave in one turn: each is some tenths of a millisecond of work for the isolate. */
export const REPLIES_PER_TURN = 16;

/** How often waiting commands are checked for having waited too long. */
export const QUEUE_SWEEP_MS = 250;

/** How long a commit is tried, retries included, before its callers are told that it is uncertain. */
export const COMMIT_DEADLINE_MS = 2_000;

/** How long one attempt of a write or a single read may take: far above a transaction's p99.9. */
export const ATTEMPT_TIMEOUT_MS = 800;

/** What has to be left of a deadline for another attempt: a few times a transaction's p50. */
export const ATTEMPT_MIN_MS = 100;

/** How long one read is tried, retries included. */
export const READ_DEADLINE_MS = 2_000;

/** How long one attempt of an index page (up to 1 MB) may take. */
export const PAGE_TIMEOUT_MS = 1_500;

/**
 * After how long a load begins no third pass. The second is always made, and callers give up earlier: they
 * are told so by the queue, and find the event loaded when they ask again.
 */
export const LOAD_DEADLINE_MS = 10_000;

/** The pauses before a load's second and third pass: an index is behind for milliseconds, at times for a second. */
export const LOAD_SECOND_PASS_PAUSE_MS = 150;
export const LOAD_THIRD_PASS_PAUSE_MS = 1_000;

/** How long an event whose load could not be proven is not read again, whoever asks. */
export const LOAD_REST_MS = 3_000;

/**
 * Ranges in which a line is read side by side, and from how many people on: a page has 1 200 rows at the
 * longest ids. With the other index a load has four calls in flight, and an object six connections.
 */
export const LINE_RANGES = 3;
export const LINE_RANGES_MIN_ENTRIES = 2_000;

/** How often the fence is tried against others who write the same event. */
export const FENCE_MAX_ATTEMPTS = 10;

/** How long reading a user's events may take, all pages and retries included. */
export const USER_EVENTS_DEADLINE_MS = 4_500;

/** BatchGetItem calls for a user's events in flight at a time: of a request's six connections. */
export const USER_EVENTS_MAX_IN_FLIGHT = 4;

/** Bounds of the pause before a retry; the pause is drawn at random below a ceiling that doubles. */
export const BACKOFF_FIRST_MS = 25;
export const BACKOFF_MAX_MS = 400;

/** User ids known to exist that an isolate keeps: about 10 MB at the longest ids, 2 MB at usual ones. */
export const KNOWN_USERS_MAX = 20_000;

/** User look-ups that wait at one object at a time; as many as commands. */
export const LOOKUPS_MAX_PENDING = QUEUE_MAX_COMMANDS;

/** BatchGetItem calls for users that one object has in flight at a time: with long round trips one is not enough. */
export const LOOKUPS_MAX_IN_FLIGHT = 2;

/** What a caller is told to wait, in seconds, when the service is busy or a table cannot be reached. */
export const RETRY_AFTER_SECONDS = 2;

/** Longest `Authorization` header: a token with many claims is about 2 KiB. */
export const AUTHORIZATION_MAX_CHARS = 8 * 1024;

/** How long a token issuer may take for its key set, body included. */
export const JWKS_TIMEOUT_MS = 3_000;

/** How old a key set may be before it is read again; a key that the issuer withdrew is taken so long. */
export const JWKS_MAX_AGE_MS = 10 * 60 * 1_000;

/** How long the last good key set serves while the issuer is down. */
export const JWKS_STALE_MAX_MS = 60 * 60 * 1_000;

/** Between the starts of two reads of the key set, whatever became of the first: six a minute. */
export const JWKS_MIN_INTERVAL_MS = 10_000;

/** When a read of the key set counts as cut off, with the request that made it. */
export const JWKS_TURN_MS = JWKS_TIMEOUT_MS + 500;

/** How often a request looks whether another one has read the key set. */
export const JWKS_POLL_MS = 25;

/** Largest key set. Ten keys with certificates are about 30 KiB. */
export const JWKS_MAX_BYTES = 64 * 1024;

/** The period over which the limits in wrangler.toml count; the runtime takes 10 or 60. */
export const RATE_LIMIT_PERIOD_SECONDS = 60;

/**
 * Calls that one address, and one caller, may make in that period. The platform counts by wrangler.toml,
 * and does not tell the worker how far: here they stand for the headers, and a test holds the two together.
 */
export const RATE_LIMIT_CALLS = { address: 6_000, caller: 600 };

/** How old the answer of `/health/ready` may be, which is public and costs a call to each table. */
export const READY_MAX_AGE_MS = 1_000;

/** How long one request may ask the tables for all the others, and how often those look whether it is done. */
export const READY_TURN_MS = READ_DEADLINE_MS + 500;
export const READY_POLL_MS = 50;

/** Longest URL: two ids of the longest, percent-encoded, and a cursor fit in it with room to spare. */
export const URL_MAX_CHARS = 8 * 1024;

/** How long a browser may keep what it was told about origins. */
export const CORS_MAX_AGE_SECONDS = 600;
