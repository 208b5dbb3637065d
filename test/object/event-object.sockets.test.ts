import { expect, test } from 'vitest';
import { Sockets } from '../../src/object/sockets.ts';

test('a storm of changes asks the platform for its sockets once a round, not for each change', () => {
  let asked = 0;
  const { 1: server } = new WebSocketPair();
  const sockets = new Sockets({
    ctx: {
      getWebSockets: () => {
        asked++;
        return [server];
      },
      acceptWebSocket: () => undefined,
      getWebSocketAutoResponseTimestamp: () => null,
      setWebSocketAutoResponse: () => undefined,
    },
    ask: () => Promise.reject(new Error('nobody asks')),
    answerNow: () => null,
    version: () => 0,
    warmUp: () => undefined,
    log: () => undefined,
  });
  for (let i = 0; i < 100; i++) sockets.changed();
  expect(asked).toBe(1);
});
