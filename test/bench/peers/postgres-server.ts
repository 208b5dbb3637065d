/**
 * The obvious alternative, as a program of its own: Hono on Node, and a lock of the event's row in PostgreSQL.
 * It validates, refuses and answers as the service does, for the three calls that the benchmark makes.
 */
import { env } from 'node:process';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';
import * as z from 'zod';

/** Connections to the database. More only wait for the same row: 8, 16 and 32 made no difference, 4 were slower. */
const POOL = 16;
/** What PostgreSQL calls a row that refers to none. */
const FOREIGN_KEY_VIOLATION = '23503';

const { PG_URL, PG_SCHEMA, PORT, REGISTER } = env;
const pool = new pg.Pool({
  connectionString: PG_URL ?? '',
  options: `-c search_path=${PG_SCHEMA}`,
  max: POOL,
  min: POOL,
});

const text = (most: number) => z.string().trim().min(1).max(most);
const newRegistration = z.object({ userId: text(100), eventId: text(100) });
const newEvent = z.object({
  name: text(200),
  capacity: z.number().int().min(1).max(100_000),
  eventId: text(100).default(() => crypto.randomUUID()),
  hasWaitlist: z.boolean().default(false),
});

type Result =
  | { result: 'registered' }
  | { result: 'waitlisted'; position: number }
  | { result: 'no-such-event' | 'already-registered' | 'already-waitlisted' | 'full' };

interface Asked {
  eventId: string;
  userId: string;
  id: string;
  createdAt: string;
}

/** A prepared statement: it is parsed once for each connection. */
const statement = (name: string, sql: string) => (values: unknown[]) => ({
  name,
  text: sql,
  values,
});

const lockEvent = statement(
  'lock',
  `SELECT capacity, has_waitlist, registered, waiting, last_position FROM events
   WHERE event_id = $1 FOR UPDATE`,
);
const addSeat = statement(
  'seat',
  `WITH seat AS (
     INSERT INTO registrations SELECT $3::uuid, $1::text, $2::text, $4::timestamptz
     ON CONFLICT (event_id, user_id) DO NOTHING RETURNING 1
   ) UPDATE events SET registered = registered + 1 WHERE event_id = $1 AND EXISTS (SELECT FROM seat)`,
);
const addEntry = statement(
  'entry',
  `WITH entry AS (
     INSERT INTO waitlist SELECT $3::uuid, $1::text, $2::text, $5::integer, $4::timestamptz
     WHERE NOT EXISTS (SELECT FROM registrations WHERE event_id = $1 AND user_id = $2)
     ON CONFLICT (event_id, user_id) DO NOTHING RETURNING 1
   ) UPDATE events SET waiting = waiting + 1, last_position = $5
     WHERE event_id = $1 AND EXISTS (SELECT FROM entry)`,
);
const hasSeat = statement(
  'has-seat',
  'SELECT FROM registrations WHERE event_id = $1 AND user_id = $2',
);
const callFunction = statement('register', 'SELECT * FROM register($1, $2, $3, $4)');

/** One transaction in four round trips: begin, lock, write, commit. */
async function registerByLock({ eventId, userId, id, createdAt }: Asked): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await decide(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }

  async function decide(within: pg.PoolClient): Promise<Result> {
    const [event] = (await within.query(lockEvent([eventId]))).rows;
    if (!event) return { result: 'no-such-event' };
    const values = [eventId, userId, id, createdAt];
    if (Number(event.registered) < Number(event.capacity) && event.waiting === 0) {
      const { rowCount } = await within.query(addSeat(values));
      return { result: rowCount === 1 ? 'registered' : 'already-registered' };
    }
    if (!event.has_waitlist) return { result: 'full' };
    const position = Number(event.last_position) + 1;
    const { rowCount } = await within.query(addEntry([...values, position]));
    if (rowCount === 1) return { result: 'waitlisted', position };
    const seat = await within.query(hasSeat([eventId, userId]));
    return { result: seat.rowCount === 1 ? 'already-registered' : 'already-waitlisted' };
  }
}

/** The same in one round trip. */
async function registerByFunction({ eventId, userId, id, createdAt }: Asked): Promise<Result> {
  const [row] = (await pool.query(callFunction([eventId, userId, id, createdAt]))).rows;
  return { result: row?.result, position: row?.its_position } as Result;
}

const register = REGISTER === 'function' ? registerByFunction : registerByLock;

type Problem = { status: 400 | 404 | 409; title: string; detail: string; errors?: object[] };
const answer = ({ status, ...problem }: Problem) =>
  new Response(JSON.stringify({ type: 'about:blank', status, ...problem }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  });
const invalid = (errors: object[]) =>
  answer({ status: 400, title: 'ValidationError', detail: 'The input is not valid.', errors });

const app = new Hono();

app.get('/health', (c) => c.json({ status: 'ok' }));

app.post('/registration/events', async (c) => {
  const parsed = newEvent.safeParse(await c.req.json().catch(() => null));
  if (!parsed.success) return invalid(parsed.error.issues);
  const { eventId, name, capacity, hasWaitlist } = parsed.data;
  const createdAt = new Date().toISOString();
  const { rowCount } = await pool.query(
    `INSERT INTO events (event_id, name, capacity, has_waitlist, created_at)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [eventId, name, capacity, hasWaitlist, createdAt],
  );
  if (rowCount === 0) {
    const detail = `There is an event ${eventId} already.`;
    return answer({ status: 409, title: 'DuplicateError', detail });
  }
  return c.json({ ...parsed.data, createdAt }, 201);
});

app.post('/registration/registrations', async (c) => {
  const parsed = newRegistration.safeParse(await c.req.json().catch(() => null));
  if (!parsed.success) return invalid(parsed.error.issues);
  const { userId, eventId } = parsed.data;
  const id = crypto.randomUUID();
  const createdAt = new Date().toISOString();
  let outcome: Result;
  try {
    outcome = await register({ eventId, userId, id, createdAt });
  } catch (error) {
    if ((error as { code?: string }).code !== FOREIGN_KEY_VIOLATION) throw error;
    const detail = `There is no user ${userId}.`;
    return answer({ status: 404, title: 'NotFoundError', detail });
  }
  const place = { userId, eventId, createdAt };
  switch (outcome.result) {
    case 'registered': {
      const registration = { registrationId: id, ...place, status: 'ACTIVE' };
      const message = `User ${userId} is registered for event ${eventId}.`;
      return c.json({ success: true, message, registration, waitlistEntry: null }, 201);
    }
    case 'waitlisted': {
      const waitlistEntry = { entryId: id, ...place, position: outcome.position };
      const message = `User ${userId} waits for event ${eventId} at position ${outcome.position}.`;
      return c.json({ success: true, message, registration: null, waitlistEntry }, 201);
    }
    case 'no-such-event':
      return answer({
        ...{ status: 404, title: 'NotFoundError', detail: `There is no event ${eventId}.` },
      });
    case 'full':
      return answer({
        ...{ status: 409, title: 'CapacityError', detail: `Event ${eventId} is full.` },
      });
    default: {
      const what = outcome.result === 'already-registered' ? 'is registered' : 'waits';
      const detail = `User ${userId} ${what} for event ${eventId} already.`;
      return answer({ status: 409, title: 'DuplicateError', detail });
    }
  }
});

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' });
