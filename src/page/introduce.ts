import { call } from './api.ts';
import { askFor } from './dom.ts';
import { event as text } from './text/en.ts';
import { fill } from './words.ts';

/**
 * Creates the user whom a token is about, by the name that they type.
 *
 * @param tell says why it did not work
 * @returns whether there is such a user now
 */
export async function introduce(
  userId: string,
  token: string | undefined,
  tell: (message: string, isBad: boolean) => void,
): Promise<boolean> {
  const name = await askFor({ title: text.firstTime, label: text.yourName, yes: text.goOn });
  if (!name) return false;
  try {
    const sent = { body: { userId, name }, token, key: crypto.randomUUID() };
    const { problem } = await call('POST', '/registration/users', sent);
    if (!problem) return true;
    const { status, detail } = problem;
    // A link for one event lets nobody create a user.
    tell(status === 403 ? text.unknown : fill(text.refusedOther, { detail }), true);
  } catch {
    tell(text.offline, true);
  }
  return false;
}
