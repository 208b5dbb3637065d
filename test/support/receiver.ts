/** Where the endpoints of the project `told` are: nothing listens there, and `receive` takes what is sent. */
export const ENDPOINTS_URL = 'http://127.0.0.1:9';

/** The secret of each endpoint: 32 bytes. */
export const ENDPOINT_SECRET = `whsec_${'c2VjcmV0'.repeat(5)}c2U=`;

/** The secret WEBHOOKS of the project `told`. */
export const WEBHOOKS = JSON.stringify([
  { name: 'all', url: `${ENDPOINTS_URL}/all`, secrets: [ENDPOINT_SECRET] },
  {
    name: 'few',
    url: `${ENDPOINTS_URL}/few`,
    secrets: [ENDPOINT_SECRET],
    types: ['registration.promoted', 'user.erased'],
  },
]);

/** The setting of the project `told`: an offer of ten seconds has its reminder after five. */
export const OFFER_REMINDER_SECONDS = '5';

/** A message as an endpoint gets it. */
export interface Received {
  endpoint: string;
  headers: Record<string, string>;
  text: string;
  type: string;
  timestamp: string;
  data: { eventId: string; version: number; index: number; userId?: string } & Record<
    string,
    unknown
  >;
}

/** How an endpoint answers a message. */
export type Answering = (message: Received, signal: AbortSignal) => Response | Promise<Response>;

const accept: Answering = () => new Response(null, { status: 204 });

/**
 * Takes what is sent to endpoints until disposed of: the worker runs in this same isolate, and sends with
 * the global `fetch`. `answer` is how they answer from now on.
 */
export function receive(answering: Answering = accept) {
  const original = globalThis.fetch;
  const messages: Received[] = [];
  let answer = answering;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!request.url.startsWith(ENDPOINTS_URL)) return original(request);
    const { signal } = request;
    const text = await request.text();
    const endpoint = new URL(request.url).pathname.slice(1);
    const headers = Object.fromEntries(request.headers);
    const message = { endpoint, headers, text, ...JSON.parse(text) } as Received;
    messages.push(message);
    return answer(message, signal);
  };
  return {
    messages,
    /** What came for one event to one endpoint. */
    of: (eventId: string, endpoint = 'all') =>
      messages.filter((each) => each.data.eventId === eventId && each.endpoint === endpoint),
    answer: (next: Answering) => {
      answer = next;
    },
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}

/** Never answers, until the sender gives up. */
export const hang: Answering = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
