import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { liveMessageSchema } from '../../src/http/schemas.ts';
import * as limits from '../../src/http-limits.ts';
import { CLOSINGS } from '../../src/object/live.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/live.md'), 'utf8');

describe('the page about watching', () => {
  test('shows messages as they are sent', () => {
    const texts = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(([, text = '']) => text);
    const messages = texts.map((text) => liveMessageSchema.parse(JSON.parse(text)));
    expect(messages.map(({ type }) => type)).toEqual(['occupancy', 'place']);
    expect(messages).toEqual(texts.map((text) => JSON.parse(text)));
  });

  test('names each code that a socket is closed with', () => {
    const told = [...page.matchAll(/^\| ([\d, ]+)(?:and others )?\|/gm)].flatMap(([, codes = '']) =>
      codes.split(',').map(Number),
    );
    for (const [code] of Object.values(CLOSINGS)) expect(told).toContain(code);
  });

  test.each([
    ['sockets of an event', limits.LIVE_MAX_SOCKETS],
    ['sockets of a person', limits.LIVE_MAX_SOCKETS_OF_PERSON],
    ['sockets of a key', limits.LIVE_MAX_SOCKETS_OF_PROGRAM],
    ['messages a second', limits.LIVE_MESSAGES_PER_SECOND],
    ['messages in a slice', limits.LIVE_SLICE_MESSAGES],
  ])('has the bound of %s', (_, bound) => {
    const text = String(bound).replace(/(\d)(\d{3})$/, '$1 $2');
    expect(page.match(/\d+(?: \d{3})*/g)).toContain(text);
  });
});
