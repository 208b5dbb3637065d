/** What the parts of the desk share: the key, calls, and the line that says how they went. */
import { type Answer, call, type Sent } from '../api.ts';
import { find, say } from '../dom.ts';
import { keep, recall } from '../memory.ts';
import { type Press, send } from '../press.ts';
import { desk as text } from '../text/en.ts';

export const locale = document.body.dataset.locale ?? 'en';
/** Whether organisers show a key here. */
export const needsKey = document.body.dataset.auth === 'token';

const NAME = 'key';
/** Where a press of the desk is kept. */
export const PLACE = 'desk';

/** The key of this tab. */
export const key = (): string | undefined => recall<string>(NAME) ?? undefined;
export const keepKey = (value: string | null) => keep(NAME, value);

/** How long a success stays said. What went wrong stays until something else is said. */
const SAID_MS = 8_000;
let vanishing: ReturnType<typeof setTimeout> | undefined;

/**
 * Says how it went, over the lower end of the window.
 *
 * @param stays whether it is said until something else is
 */
export function tell(message: string, isBad = false, stays = isBad): void {
  const said = find('#said');
  clearTimeout(vanishing);
  if (!stays) vanishing = setTimeout(() => say(said, ''), SAID_MS);
  said.toggleAttribute('data-bad', isBad);
  say(said, message);
}

/** A call whose refusal is said, and answered as null. */
export async function ask<Body>(
  method: string,
  path: string,
  sent: Sent = {},
): Promise<Answer<Body> | null> {
  try {
    const answer = await call<Body>(method, path, { ...sent, token: key() });
    if (!answer.problem) return answer;
    const { status, detail } = answer.problem;
    tell(status === 401 || status === 403 ? text.wrongKey : detail, true);
  } catch {
    tell(text.noAnswer, true);
  }
  return null;
}

/** Sends what was pressed until it is answered, once whatever happens; says a refusal, and answers it as null. */
export async function press<Body>(
  pressed: Omit<Press, 'key' | 'kind' | 'userId'>,
): Promise<Body | null> {
  return carryOut<Body>({ ...pressed, key: crypto.randomUUID(), kind: 'desk', userId: '' });
}

/** Goes on with a press whose answer this tab has not seen. */
export async function carryOut<Body>(pressed: Press): Promise<Body | null> {
  tell('');
  const answer = await send<Body>(PLACE, pressed, key, () =>
    tell(text.waitingForAnswer, false, true),
  );
  if (!answer.problem) {
    tell(text.done);
    return answer.body;
  }
  tell(answer.problem.detail, true);
  return null;
}
