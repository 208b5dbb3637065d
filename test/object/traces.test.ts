import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { newEvent, newUsers, register } from '../support/desk.ts';

/** The names of our own spans, as the worker has them that takes the traces of this project's run. */
async function ours(): Promise<string[]> {
  const { SPANS } = env as unknown as { SPANS: Fetcher };
  const names = (await (await SPANS.fetch('http://spans.test/')).json()) as string[];
  return names.filter((name) => ['load', 'decide', 'commit'].includes(name));
}

test('a trace shows how an event is loaded, decided and committed', async () => {
  const [userId = ''] = await newUsers(1);
  const eventId = await newEvent(1, true);
  const first = ['load', 'decide', 'commit'];
  await vi.waitFor(async () => expect(await ours()).toEqual(first));
  await register(userId, eventId);
  // The object is warm by now.
  await vi.waitFor(async () => expect(await ours()).toEqual([...first, 'decide', 'commit']));
});
