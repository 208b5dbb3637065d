import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import type { Command } from '../../src/event/command.ts';
import { canonicalJson, chainOf, type LogEntry, nextHead } from '../../src/event/log.ts';
import { faultOf, LogWriter } from '../support/logs.ts';

describe('canonical JSON (RFC 8785)', () => {
  // Section 3.2.3 of the RFC: members are sorted by UTF-16 code units.
  test('sorts the members of each object', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect([...canonicalJson(value).matchAll(/"([^"]+)":/g)].map(([, name]) => name)).toEqual([
      '\\r',
      '1',
      '\u0080',
      '\u00f6',
      '\u20ac',
      '\ud83d\ude00',
      '\ufb33',
    ]);
  });

  test('writes numbers, texts, lists and nothing as JSON does, without blanks', () => {
    const value = { b: [1e21, 0.1, -0, null, true], a: { d: 'a"\u20ac\n', c: undefined } };
    expect(canonicalJson(value)).toBe('{"a":{"d":"a\\"€\\n"},"b":[1e+21,0.1,0,null,true]}');
  });
});

describe('the chain', () => {
  const at = '2026-11-26T12:00:00.000Z';

  test('is the hash of the chain before it and the entry, and knows no user', async () => {
    const changes = [
      { type: 'waitlist.joined', entryId: 'e1', position: 1, userId: 'ada' },
    ] satisfies LogEntry['changes'];
    const text = `{"at":"${at}","changes":[{"entryId":"e1","position":1,"type":"waitlist.joined"}],"version":7}`;
    const expected = createHash('sha256').update(`before${text}`).digest('hex');
    expect(await chainOf('before', { version: 7, at, changes }, hexDigestOf)).toBe(expected);
  });
});

describe('an entry', () => {
  test('has no more changes than a transaction has rows, also where they undo each other', async () => {
    const writer = await LogWriter.open(5);
    const comeAndGo = Array.from({ length: 300 }, (_, i): Command[] => [
      { type: 'register', userId: `u${i}` },
      { type: 'unregister', userId: `u${i}` },
    ]);
    await writer.commit(comeAndGo.flat());
    const counts = writer.entries.slice(1).map(({ changes }) => changes.length);
    expect(counts).toEqual([98, 98, 98, 98, 98, 98, 12]);
    expect(await faultOf(writer.entries)).toBeNull();
  });
});

describe('where the log begins', () => {
  const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();
  const entry = (version: number, n: number) => ({
    ...{ version, at: day(n), chain: `chain ${version}`, changes: [], actors: [] },
  });

  test('moves on when everything before it has expired, and never sooner', () => {
    const kept = 30;
    const written: { version: number; day: number }[] = [];
    let head = nextHead(null, entry(1, 0), kept);
    written.push({ version: 1, day: 0 });
    for (let n = 1; n < 400; n++) {
      const version = 1 + 3 * n;
      head = nextHead(head, entry(version, n), kept);
      written.push({ version, day: n });
      const alive = written.filter((each) => each.day > n - kept);
      expect(head.from).toBeLessThanOrEqual(alive[0]?.version ?? 0);
      expect(head.from).toBeGreaterThanOrEqual(1 + 3 * Math.max(0, n - 2 * kept - 1));
      expect(head).toMatchObject({ version, chain: `chain ${version}` });
    }
  });
});
