import type { Capacity, LiveMessage, Occupancy, Place, Standing } from '../event/shown.ts';

/** What the event is. `version` and `revision` are null where they are not known, while polling. */
export type SeenOccupancy = Omit<Occupancy, 'version' | 'revision'> & {
  version: number | null;
  revision: number | null;
};

/** `live`: told of each change. `polling`: WebSockets don't get through. `refused`: the caller may not, or there is no such event. */
export type LiveState = 'connecting' | 'live' | 'polling' | 'refused' | 'closed';

/** An error answer of the service (RFC 9457). */
export interface LiveProblem {
  title: string;
  status: number;
  detail: string;
}

/** What to watch, and who is told. */
export interface WatchOptions {
  /** Where the service is, such as `https://desk.example`. */
  url: string;
  eventId: string;
  /** Whose place to tell; left out: only the event. */
  userId?: string | undefined;
  /** Gives the token or key; asked at each connection and each poll. Left out: authentication is off. */
  token?: (() => string | undefined | Promise<string | undefined>) | undefined;
  onOccupancy(occupancy: SeenOccupancy): void;
  onPlace?: ((place: Place) => void) | undefined;
  onState?: ((state: LiveState) => void) | undefined;
  onProblem?: ((problem: LiveProblem) => void) | undefined;
}

/** A watch that is going on. */
export interface Watching {
  /** Asks at once, and connects at once if there is no connection. */
  refresh(): void;
  close(): void;
}

type Timer = 'connect' | 'poll' | 'ping' | 'pong';

const PROTOCOL = 'registration.live.v1';
const PING_MS = 25_000;
const PONG_MS = 10_000;
const POLL_MS = 5_000;
/** How old the numbers may be that are polled for: less than the time since the last poll, so they never go back. */
const POLL_HEADERS = { 'Cache-Control': 'max-age=2' };
const BACKOFF_FIRST_MS = 2_000;
const BACKOFF_MAX_MS = 60_000;
/** Failures in a row after which the back-off is the longest. */
const FAILURES_OF_MAX = 6;
/** The service closes the oldest of too many sockets of one caller. Back at once, it would close another. */
const REPLACED = 4429;

/** A refusal that asking again would not change. */
class Refused extends Error {
  readonly problem: LiveProblem;

  constructor(problem: LiveProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Watches an event until it is closed: over a WebSocket, and by polling while there is none. */
export function watch(options: WatchOptions): Watching {
  const { url, eventId, userId, token, onOccupancy, onPlace, onState, onProblem } = options;
  const path = `/registration/events/${encodeURIComponent(eventId)}`;
  const user = userId === undefined ? '' : `userId=${encodeURIComponent(userId)}`;
  let state: LiveState | null = null;
  let socket: WebSocket | null = null;
  let failures = 0;
  /** Messages that came over sockets; attempts to connect. What was begun before the last is out of date. */
  let heard = 0;
  let attempt = 0;
  const timers = new Map<Timer, ReturnType<typeof setTimeout>>();

  const cancel = (...names: Timer[]) => {
    for (const name of names) {
      const timer = timers.get(name);
      if (timer !== undefined) clearTimeout(timer);
    }
  };
  const later = (name: Timer, ms: number, run: () => void) => {
    cancel(name);
    timers.set(name, setTimeout(run, ms));
  };
  const enter = (next: LiveState) => {
    if (state === next || state === 'closed') return;
    state = next;
    onState?.(next);
  };
  const isClosed = () => state === 'closed';

  async function connect(): Promise<void> {
    cancel('connect');
    const mine = ++attempt;
    let bearer: string | undefined;
    try {
      bearer = await token?.();
    } catch {
      return lost(mine);
    }
    if (isClosed() || mine !== attempt) return;
    const where = new URL(`${path}/live${user && `?${user}`}`, url);
    where.protocol = where.protocol.replace('http', 'ws');
    const opened = new WebSocket(where.href, bearer ? [PROTOCOL, `bearer.${bearer}`] : [PROTOCOL]);
    socket = opened;
    opened.addEventListener('message', ({ data }) => {
      if (mine === attempt) hear(String(data));
    });
    opened.addEventListener('close', ({ code }) => lost(mine, code === REPLACED));
    opened.addEventListener('error', () => lost(mine));
  }

  function hear(text: string): void {
    cancel('pong');
    heard++;
    if (failures > 0 || state !== 'live') {
      failures = 0;
      cancel('poll');
      later('ping', PING_MS, ping);
      enter('live');
    }
    if (text === 'pong') return;
    const message = JSON.parse(text) as LiveMessage;
    if (message.type === 'occupancy') onOccupancy(message);
    if (message.type === 'place') onPlace?.(message);
  }

  function ping(): void {
    const mine = attempt;
    socket?.send('ping');
    later('pong', PONG_MS, () => lost(mine));
    later('ping', PING_MS, ping);
  }

  /** There is no connection any more, or there never was: goes on by polling, and tries again later. */
  function lost(which: number, isLong = false): void {
    if (which !== attempt || isClosed()) return;
    const wasLive = state === 'live';
    drop();
    failures = isLong ? FAILURES_OF_MAX : failures + 1;
    if (wasLive) enter('connecting');
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
    // At random, since a restart of the service cuts off everybody at once.
    later('connect', most * Math.random(), connect);
    later('poll', wasLive ? POLL_MS * Math.random() : 0, poll);
  }

  /** Gives up the connection. A dead one may take minutes until it tells that it is closed. */
  function drop(): void {
    attempt++;
    cancel('connect', 'poll', 'ping', 'pong');
    const dropped = socket;
    socket = null;
    if (dropped && dropped.readyState <= WebSocket.OPEN) dropped.close();
  }

  /** Makes a call; throws when there is no answer. */
  async function get<Body>(
    what: string,
    headers: Record<string, string> = {},
  ): Promise<{ answer: Response; body: Body }> {
    const bearer = await token?.();
    const all = bearer ? { ...headers, Authorization: `Bearer ${bearer}` } : headers;
    const answer = await fetch(new URL(what, url), { headers: all });
    const body = (await answer.json()) as Body;
    if ([401, 403, 404].includes(answer.status)) throw new Refused(body as LiveProblem);
    if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
    return { answer, body };
  }

  /** Asks once. A message of the socket that comes meanwhile is newer. */
  async function ask(isNear: boolean): Promise<void> {
    const before = heard;
    const headers = isNear ? POLL_HEADERS : {};
    const { answer, body } = await get<Capacity>(`${path}/capacity`, headers);
    const place = `/registration/registrations?${user}&eventId=${encodeURIComponent(eventId)}`;
    const standing = user ? (await get<Standing>(place)).body : null;
    if (isClosed() || before !== heard) return;
    if (state !== 'live') enter('polling');
    const date = Date.parse(answer.headers.get('Date') ?? '');
    const now = new Date(Number.isNaN(date) ? Date.now() : date).toISOString();
    onOccupancy({ ...body, type: 'occupancy', now, version: null, revision: null });
    if (standing) onPlace?.({ ...standing, type: 'place' });
  }

  /** @param isNear whether the numbers may come from near: in a row of polls, but not where something has changed */
  async function poll(isNear = false): Promise<void> {
    cancel('poll');
    try {
      await ask(isNear);
    } catch (error) {
      if (isClosed()) return;
      if (error instanceof Refused) {
        failures = FAILURES_OF_MAX;
        if (state !== 'live') enter('refused');
        onProblem?.(error.problem);
      } else if (state !== 'live') {
        // No network, or the service is busy: the next poll asks again.
        enter('connecting');
      }
    }
    if (state === 'connecting' || state === 'polling') {
      later('poll', POLL_MS * (0.8 + 0.4 * Math.random()), () => poll(true));
    }
  }

  enter('connecting');
  void connect();
  return {
    refresh() {
      if (isClosed()) return;
      if (socket?.readyState === WebSocket.OPEN) ping();
      else if (socket?.readyState !== WebSocket.CONNECTING) void connect();
      void poll();
    },
    close() {
      if (isClosed()) return;
      drop();
      enter('closed');
    },
  };
}
