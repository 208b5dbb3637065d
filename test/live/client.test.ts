import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Place } from '../../src/event/shown.ts';
import {
  type LiveProblem,
  type LiveState,
  type SeenOccupancy,
  type WatchOptions,
  watch,
} from '../../src/page/live-client.ts';

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  readonly url: string;
  readonly protocols: string[];
  readonly sent: string[] = [];

  constructor(url: string, protocols: string[]) {
    super();
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 2;
  }

  /** The service accepts the socket, and tells what is. */
  open(registeredCount = 0): void {
    this.readyState = 1;
    this.tell({ type: 'occupancy', version: 1, registeredCount });
  }

  tell(message: unknown): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  end(code = 1006): void {
    this.readyState = 3;
    if (code === 1006) this.dispatchEvent(new Event('error'));
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

/** What the service answers to calls: null: the network is gone. */
let answer: { status: number; body: unknown } | null;
const calls: { url: string; authorization: string | null; maxAge: string | null }[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  FakeSocket.all = [];
  calls.length = 0;
  answer = { status: 200, body: { registeredCount: 7 } };
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('fetch', async (url: URL, { headers }: { headers: Record<string, string> }) => {
    const { Authorization: authorization = null, 'Cache-Control': maxAge = null } = headers;
    calls.push({ url: url.href, authorization, maxAge });
    if (!answer) throw new TypeError('fetch failed');
    return Response.json(answer.body, { status: answer.status });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function start(options: Partial<WatchOptions> = {}) {
  const occupancies: SeenOccupancy[] = [];
  const places: Place[] = [];
  const states: LiveState[] = [];
  const problems: LiveProblem[] = [];
  const watching = watch({
    url: 'https://desk.test/page/?x#y',
    eventId: 'gala/1',
    onOccupancy: (occupancy) => occupancies.push(occupancy),
    onPlace: (place) => places.push(place),
    onState: (state) => states.push(state),
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return { watching, occupancies, places, states, problems };
}

/** Lets so much time pass, and the promises settle. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const last = () => FakeSocket.all.at(-1) as FakeSocket;

describe('a watch', () => {
  test('opens a socket with its token beside the protocol, and passes on what it is told', async () => {
    const { occupancies, places, states } = start({ userId: 'ada b', token: async () => 'rdk_x' });
    await pass(0);
    expect(last().url).toBe('wss://desk.test/registration/events/gala%2F1/live?userId=ada%20b');
    expect(last().protocols).toEqual(['registration.live.v1', 'bearer.rdk_x']);
    last().open(3);
    last().tell({ type: 'place', status: 'NONE' });
    last().tell({ type: 'of a later version' });
    expect(occupancies).toMatchObject([{ registeredCount: 3, version: 1 }]);
    expect(places).toMatchObject([{ status: 'NONE' }]);
    expect(states).toEqual(['connecting', 'live']);
    await pass(1_000);
    expect(calls).toEqual([]);
  });

  test('without a token and a user asks for neither', async () => {
    start({ url: 'http://localhost:8787' });
    await pass(0);
    expect(last().url).toBe('ws://localhost:8787/registration/events/gala%2F1/live');
    expect(last().protocols).toEqual(['registration.live.v1']);
  });

  test('polls while no socket gets through, tries again ever later, and stops polling when one does', async () => {
    const { occupancies, states } = start();
    await pass(0);
    last().end();
    await pass(0);
    expect(occupancies).toMatchObject([{ registeredCount: 7, version: null, revision: null }]);
    expect(states).toEqual(['connecting', 'polling']);
    expect(calls.map(({ url }) => url)).toEqual([
      'https://desk.test/registration/events/gala%2F1/capacity',
    ]);
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      const before = FakeSocket.all.length;
      const began = Date.now();
      while (FakeSocket.all.length === before) await pass(100);
      delays.push(Date.now() - began);
      last().end();
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    const polls = calls.length;
    expect(polls).toBeGreaterThan(91_000 / 6_000);
    while (last().readyState === 3) await pass(1_000);
    last().open(9);
    const after = calls.length;
    await pass(20_000);
    expect(calls.length).toBe(after);
    expect(states).toEqual(['connecting', 'polling', 'live']);
    expect(occupancies.at(-1)).toMatchObject({ registeredCount: 9 });
  });

  test('comes back after a break, at a random time, with a new token', async () => {
    let tokens = 0;
    const { states } = start({ token: () => `t${++tokens}` });
    await pass(0);
    last().open();
    last().end(4401);
    expect(FakeSocket.all.length).toBe(1);
    await pass(1_000);
    expect(last().protocols[1]).toBe('bearer.t2');
    last().open();
    expect(states).toEqual(['connecting', 'live', 'connecting', 'live']);
    await pass(10_000);
    expect(calls).toEqual([]);
  });

  test('that was closed as one too many does not come back soon', async () => {
    start();
    await pass(0);
    last().open();
    last().end(4429);
    await pass(29_000);
    expect(FakeSocket.all.length).toBe(1);
    expect(calls.length).toBeGreaterThan(3);
    await pass(2_000);
    expect(FakeSocket.all.length).toBe(2);
  });

  test('pings, whatever else it hears, and gives up a socket that does not answer', async () => {
    const { states } = start();
    await pass(0);
    const first = last();
    first.open();
    for (let i = 0; i < 30; i++) {
      first.tell({ type: 'occupancy', registeredCount: i });
      await pass(1_000);
    }
    expect(first.sent).toEqual(['ping']);
    first.tell('pong');
    await pass(20_500);
    expect(first.sent).toEqual(['ping', 'ping']);
    await pass(10_000);
    expect(first.readyState).toBe(2);
    await pass(2_000);
    expect(FakeSocket.all.length).toBe(2);
    last().open();
    // What the dead one says at last counts for nothing.
    first.end();
    first.tell({ type: 'occupancy' });
    await pass(1_000);
    expect(FakeSocket.all.length).toBe(2);
    expect(states.at(-1)).toBe('live');
  });

  test.each([401, 403, 404])('that gets %i tells why, and asks on seldom', async (status) => {
    const problem = { title: 'No', status, detail: 'No.' };
    answer = { status, body: problem };
    const { states, problems, occupancies, watching } = start({ token: () => 'old' });
    await pass(0);
    last().end();
    await pass(0);
    expect(states).toEqual(['connecting', 'refused']);
    expect(problems).toEqual([problem]);
    const before = calls.length;
    await pass(30_000);
    expect(calls.length - before).toBeLessThanOrEqual(1);
    answer = { status: 200, body: { registeredCount: 1 } };
    watching.refresh();
    await pass(0);
    expect(occupancies.length).toBe(1);
    expect(states.at(-1)).toBe('polling');
  });

  test('without a network goes on trying, and says so', async () => {
    answer = null;
    const { states, occupancies } = start();
    await pass(0);
    last().end();
    await pass(60_000);
    expect(states).toEqual(['connecting']);
    expect(calls.length).toBeGreaterThan(8);
    answer = { status: 503, body: {} };
    await pass(10_000);
    expect(occupancies).toEqual([]);
    answer = { status: 200, body: {} };
    await pass(10_000);
    expect(states).toEqual(['connecting', 'polling']);
  });

  test('whose token cannot be had tries again', async () => {
    let fails = true;
    const token = async () => {
      if (fails) throw new Error('offline');
      return 't';
    };
    start({ token });
    await pass(500);
    expect(FakeSocket.all).toEqual([]);
    fails = false;
    await pass(2_000);
    expect(FakeSocket.all.length).toBe(1);
  });

  test('asks for the place too while it polls, and drops an answer that a message overtook', async () => {
    const { occupancies, places, watching } = start({ userId: 'ada', token: () => 't' });
    await pass(0);
    last().end();
    await pass(0);
    expect(calls).toEqual([
      {
        url: 'https://desk.test/registration/events/gala%2F1/capacity',
        authorization: 'Bearer t',
        maxAge: null,
      },
      {
        url: 'https://desk.test/registration/registrations?userId=ada&eventId=gala%2F1',
        authorization: 'Bearer t',
        maxAge: null,
      },
    ]);
    expect(places).toMatchObject([{ type: 'place' }]);
    // Of a row of polls the numbers may come from near; where one stands never does, nor what is asked for at once.
    calls.length = 0;
    await pass(6_000);
    watching.refresh();
    await pass(0);
    const numbers = calls.filter(({ url }) => url.endsWith('/capacity'));
    expect(numbers.map(({ maxAge }) => maxAge)).toContain('max-age=2');
    expect(numbers.at(-1)?.maxAge).toBeNull();
    const standings = calls.filter(({ url }) => !url.endsWith('/capacity'));
    expect(new Set(standings.map(({ maxAge }) => maxAge))).toEqual(new Set([null]));
    last().open(1);
    const before = occupancies.length;
    watching.refresh();
    last().tell({ type: 'occupancy', registeredCount: 2 });
    await pass(100);
    expect(occupancies.slice(before)).toMatchObject([{ registeredCount: 2 }]);
    watching.refresh();
    await pass(100);
    expect(occupancies.at(-1)).toMatchObject({ registeredCount: 7 });
  });

  test('that is closed does nothing more', async () => {
    const { watching, states, occupancies } = start();
    await pass(0);
    const socket = last();
    socket.open();
    watching.close();
    expect(socket.readyState).toBe(2);
    socket.tell({ type: 'occupancy' });
    socket.end();
    watching.refresh();
    watching.close();
    await pass(300_000);
    expect([FakeSocket.all.length, calls.length, occupancies.length]).toEqual([1, 0, 1]);
    expect(states).toEqual(['connecting', 'live', 'closed']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
