import { expect, test } from 'vitest';
import { MESSAGE_TYPES, messagesOf, reminderMessage } from '../../src/event/messages.ts';
import { LINK_DEFAULT_SECONDS } from '../../src/http-limits.ts';
import { grantOf } from '../../src/outbox/link.ts';
import { changeOf, entryOf, REMINDER, START_MS } from './world.ts';

const typesWithLink = () =>
  MESSAGE_TYPES.filter((type) => {
    const [change] = messagesOf('gala', entryOf(1, [type as Parameters<typeof changeOf>[0]]));
    const message = type === 'offer.expiring' ? reminderMessage('gala', REMINDER) : change;
    return message && grantOf(message) !== null;
  });

test('a message carries a link where the person has a place after it, and no other does', () => {
  expect(typesWithLink().toSorted()).toEqual([
    'offer.accepted',
    'offer.expiring',
    'offer.made',
    'registration.created',
    'registration.promoted',
    'waitlist.joined',
  ]);
});

test('its link is for the person and the event of the message, from when that was decided', () => {
  const at = new Date(START_MS + 999).toISOString();
  const changes = [changeOf('registration.cancelled', 'a'), changeOf('offer.made', 'b')];
  const [cancelled, offered] = messagesOf('gala', { ...entryOf(7, []), at, changes });
  expect(cancelled && grantOf(cancelled)).toBeNull();
  expect(offered && grantOf(offered)).toEqual({
    ...{ userId: 'user of b', eventId: 'gala', endsAt: START_MS / 1_000 + LINK_DEFAULT_SECONDS },
  });
});
