/** Bounds of requests, answers, callers and sockets, with the unit in the name and the reason above. */

/** Largest request body. The largest valid one is under 2 KiB; the rest is room for escapes. */
export const BODY_MAX_BYTES = 64 * 1024;

/** Largest body of a bulk registration: a thousand of the longest ids, escaped, and some room. */
export const BULK_BODY_MAX_BYTES = 1_536 * 1024;

/** Faults that one error answer lists: a body can have thousands. */
export const FIELD_ERRORS_MAX = 100;

/** Longest URL: two of the longest ids, percent-encoded, and a cursor fit in it with room to spare. */
export const URL_MAX_CHARS = 8 * 1024;

/** Longest `Idempotency-Key`, in visible ASCII characters. */
export const IDEMPOTENCY_KEY_MAX_CHARS = 255;

/** Longest `Authorization` header: a token with many claims is about 2 KiB. */
export const AUTHORIZATION_MAX_CHARS = 8 * 1024;

/** How long a browser may cache the answer to a preflight. */
export const CORS_MAX_AGE_SECONDS = 600;

/** The `Retry-After` of an answer when the service is busy or a table cannot be reached. */
export const RETRY_AFTER_SECONDS = 2;

/** The period over which the limits in wrangler.toml count; the runtime takes 10 or 60. */
export const RATE_LIMIT_PERIOD_SECONDS = 60;

/**
 * Calls that one address, and one caller, may make in that period. The platform takes the limits from
 * wrangler.toml and does not tell them to the worker. These are for the headers; a test compares the two.
 */
export const RATE_LIMIT_CALLS = { address: 6_000, caller: 600 };

/** How long a link works: unless it is told, at least, and at most. */
export const LINK_DEFAULT_SECONDS = 30 * 24 * 60 * 60;
export const LINK_MIN_SECONDS = 60;
export const LINK_MAX_SECONDS = 366 * 24 * 60 * 60;

/** How long a secret of links is at least, in bytes: as long as its hash. */
export const LINK_SECRET_MIN_BYTES = 32;

/** Secrets of links: the old and the new one while they are rotated. */
export const LINK_MAX_SECRETS = 2;

/** How long a token issuer may take for its key set, body included. */
export const JWKS_TIMEOUT_MS = 3_000;

/** How old a key set may be before it is read again. So long, a key that the issuer withdrew is still accepted. */
export const JWKS_MAX_AGE_MS = 10 * 60 * 1_000;

/** How long the last good key set serves while the issuer is down. */
export const JWKS_STALE_MAX_MS = 60 * 60 * 1_000;

/** The least time between the starts of two reads of the key set, successful or not: six a minute. */
export const JWKS_MIN_INTERVAL_MS = 10_000;

/** How long after its start a read of the key set counts as cut off, together with its request. */
export const JWKS_TURN_MS = JWKS_TIMEOUT_MS + 500;

/** How often a request checks whether another one has read the key set. */
export const JWKS_POLL_MS = 25;

/** Largest key set. Ten keys with certificates are about 30 KiB. */
export const JWKS_MAX_BYTES = 64 * 1024;

/** Sockets that watch one event: a few MB of its memory, of the platform's 32 768 for an object. */
export const LIVE_MAX_SOCKETS = 5_000;

/**
 * Sockets that one caller can have of one event: tabs and devices of a person; more for a program, and for an
 * address where nobody shows who they are. One more closes the oldest.
 */
export const LIVE_MAX_SOCKETS_OF_PERSON = 10;
export const LIVE_MAX_SOCKETS_OF_PROGRAM = 100;

/**
 * A socket that was closed counts until its client has answered the close, which nothing makes it do. A caller has
 * at most so many times the sockets that it may have, with those; then it gets no other.
 */
export const LIVE_UNANSWERED_FACTOR = 2;

/** How long a socket may be open, whatever its token says: a key has no end of its own. */
export const LIVE_MAX_MS = 12 * 3_600_000;

/** How long after its last ping a socket is taken for dead. A page in the background pings once a minute. */
export const LIVE_SILENCE_MS = 5 * 60_000;

/** How often the watchers of an event are told of changes, at most: four times a second. */
export const LIVE_PERIOD_MS = 250;

/**
 * Messages that an object sends its watchers, at most: with more watchers each is told less often. One takes about
 * 45 us of CPU, so they take a tenth of a core at most; and a thousand watchers are told within a second.
 */
export const LIVE_MESSAGES_PER_SECOND = 2_000;

/** Messages in one turn, and watchers that are looked at: some milliseconds, after which commits go on. */
export const LIVE_SLICE_MESSAGES = 50;
export const LIVE_SLICE_WATCHERS = 500;

/** Places that an export has; the rest is in the list of the user's places. */
export const EXPORT_MAX_PLACES = 1_000;

/** Versions of the logs that an export looks at, over all events: 200 calls of 100 keys. */
export const EXPORT_MAX_VERSIONS = 20_000;

/** After how long an export reads no more of the logs. */
export const EXPORT_WORK_MS = 15_000;

/** The oldest answer that a caller may ask for by `Cache-Control: max-age`. */
export const NEAR_MAX_AGE_SECONDS = 60;

/** Events whose last answer an isolate keeps for those readers: about 2 MB with the longest names. */
export const NEAR_MAX_EVENTS = 1_000;

/** How often such a reader checks whether another one has the answer. */
export const NEAR_POLL_MS = 20;

/** After how long a reader waits for no other any more, and asks the object: it may take 2.5 s to refuse. */
export const NEAR_TURN_MS = 3_500;

/** How long one isolate may ask the object for all others of its place, and how often those look. */
export const NEAR_LEASE_MS = 1_000;
export const NEAR_LEASE_POLL_MS = 50;

/**
 * How much later the isolates look into the cache again that did not ask last: once to twice this, when the lease
 * of the one that did is there.
 */
export const NEAR_GRACE_MS = 30;

/** How long before an answer is too old it is asked for anew: more than the way to the object and back takes. */
export const NEAR_AHEAD_MS = 500;
