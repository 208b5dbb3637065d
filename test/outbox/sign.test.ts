import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { openSigner } from '../../src/outbox/sign.ts';

const secretOf = (fill: number, bytes = 32) =>
  `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const BODY = JSON.stringify({ type: 'event.created', data: { eventId: 'Ünlaut 😀' } });
const seconds = Math.floor(Date.now() / 1_000);
const headersOf = (signature: string) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(seconds),
  'webhook-signature': signature,
});

test('signs as the specification shows', async () => {
  // The example of the specification's test vectors.
  const sign = await openSigner(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']);
  expect(await sign('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

test('whoever knows any of the secrets can verify, and nobody else', async () => {
  const [old, current, other] = [secretOf(1, 24), secretOf(2, 64), secretOf(3)];
  const sign = await openSigner([old, current]);
  const signature = await sign('msg_1', seconds, BODY);
  expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
  for (const secret of [old, current]) {
    expect(new Webhook(secret).verify(BODY, headersOf(signature))).toEqual(JSON.parse(BODY));
  }
  expect(() => new Webhook(other).verify(BODY, headersOf(signature))).toThrow();
  expect(() => new Webhook(old).verify(`${BODY} `, headersOf(signature))).toThrow();
});
