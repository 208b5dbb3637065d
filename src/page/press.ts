/**
 * One press of a button is one request with one `Idempotency-Key`, which the tab keeps until there is an answer. Sent
 * again, however often, it is carried out once: a lost connection, a busy service and a reload change nothing.
 */
import { type Answer, call, withQuery } from './api.ts';
import { keep, recall } from './memory.ts';

/** What was pressed. */
export interface Press {
  key: string;
  kind: 'register' | 'take' | 'leave' | 'leaveLine' | 'decline' | 'desk';
  /** Whom it is about; empty where it is about nobody. */
  userId: string;
  method: 'POST' | 'DELETE';
  path: string;
  body?: unknown;
  ifMatch?: string | undefined;
}

/** A new press of a button of an event. */
export function toPress(eventId: string, kind: Press['kind'], userId: string): Press {
  const key = crypto.randomUUID();
  const seats = '/registration/registrations';
  if (kind === 'register' || kind === 'take') {
    return { key, kind, userId, method: 'POST', path: seats, body: { userId, eventId } };
  }
  const path = withQuery(kind === 'leave' ? seats : '/registration/waitlist', { userId, eventId });
  return { key, kind, userId, method: 'DELETE', path };
}

const nameOf = (place: string) => `press:${place}`;

/** The press that has no answer yet. `place`: where it was pressed, an event or the desk. */
export const openPress = (place: string): Press | null => recall<Press>(nameOf(place));

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Whether an answer says to ask again: the service is busy, or the same press is still at work. */
const isPassing = ({ status, problem }: Answer<unknown>) =>
  status === 503 || status === 429 || problem?.title === 'KeyInFlightError';

/** Waits, and no longer than until the network is there again. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
  });
}

/** The pause before the next attempt; `random` is 0 to 1, so that a crowd does not come back at once. */
export function pauseBefore(attempt: number, retryAfter: string | null, random: number): number {
  const asked = Number(retryAfter ?? 0) * 1_000 || 0;
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return Math.min(60_000, Math.max(asked, grown / 2)) + (random * grown) / 2;
}

/**
 * Sends a press until it is answered.
 *
 * @param onWait is told before each further attempt
 */
export async function send<Body>(
  place: string,
  press: Press,
  token: () => string | undefined,
  onWait: () => void,
): Promise<Answer<Body>> {
  keep(nameOf(place), press);
  const { method, path, key, body, ifMatch } = press;
  for (let attempt = 0; ; attempt++) {
    let retryAfter: string | null = null;
    try {
      const answer = await call<Body>(method, path, { token: token(), key, body, ifMatch });
      if (!isPassing(answer)) {
        keep(nameOf(place), null);
        return answer;
      }
      retryAfter = answer.headers.get('Retry-After');
    } catch {
      // No answer. It may have been carried out or not; the key makes both the same.
    }
    onWait();
    await pause(pauseBefore(attempt, retryAfter, Math.random()));
  }
}
