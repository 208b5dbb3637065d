import { describe, expect, test } from 'vitest';
import { toNetwork } from '../../src/auth/address.ts';

describe('the key of an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:0003:0004:0005:0006', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:AAAA::F', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:0:0:0:0', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['2001::db8:2:3:4:5:6', '2001:0:db8:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%25en1', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1%eth0', '192.0.2.1'],
    // The deprecated form without the ffff is an IPv6 address like any other, and so is a longer prefix.
    ['::192.0.2.1', '0:0:0:0::/64'],
    ['1::ffff:192.0.2.1', '1:0:0:0::/64'],
    // Not an address.
    ['unknown', 'unknown'],
    ['', ''],
    ['2001:db8', '2001:db8'],
    ['1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8:9'],
    ['2001:db8::1::2', '2001:db8::1::2'],
    ['2001:db8::g', '2001:db8::g'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
    ['::1]/a?b=c[', '::1]/a?b=c['],
  ])('%s: %s', (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });

  test('all addresses of a /64 are one, and those of the next are not', () => {
    const of = (network: string, host: string) => toNetwork(`${network}:${host}`);
    expect(of('2001:db8:1:2', '0:0:0:1')).toBe(of('2001:db8:1:2', 'ffff:ffff:ffff:ffff'));
    expect(of('2001:db8:1:2', '0:0:0:1')).not.toBe(of('2001:db8:1:3', '0:0:0:1'));
  });
});
