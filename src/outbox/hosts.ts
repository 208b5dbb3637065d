/** Names that lead to this machine or into a network of one's own, by convention or by RFC 6761 and 6762. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa|test|invalid)$/;

/** What is no host of the public internet among IPv4 addresses (RFC 6890), as prefix and length. */
const PRIVATE_V4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  // Carrier-grade NAT; one cloud has its metadata there.
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local; most clouds have their metadata there.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, reserved, broadcast.
  ['224.0.0.0', 3],
];

const toNumber = (address: string) =>
  address.split('.').reduce((number, part) => number * 256 + Number(part), 0);

function isPublicV4(address: string): boolean {
  const number = toNumber(address);
  return !PRIVATE_V4.some(([prefix, length]) => {
    const size = 2 ** (32 - length);
    return Math.floor(number / size) === Math.floor(toNumber(prefix) / size);
  });
}

/** Global unicast (2000::/3), without what stands for other addresses or for none. */
function isPublicV6(address: string): boolean {
  const [first = 0, second = 0] = address
    .split(':')
    .map((group) => Number.parseInt(group, 16) || 0);
  if (first < 0x2000 || first > 0x3fff) return false;
  // 2001::/23 (Teredo and the like), 2001:db8::/32 (examples), 2002::/16 (6to4), 3fff::/20 (examples).
  if (first === 0x2001) return second > 0x01ff && second !== 0x0db8;
  return first !== 0x2002 && !(first === 0x3fff && second < 0x1000);
}

/**
 * Whether a host may be one of the public internet, by its name alone: where a name leads to is not looked up.
 *
 * @param hostname as a URL has it: an IPv4 address in any notation has become four decimal numbers
 */
export function isPublicHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (host.startsWith('[')) return isPublicV6(host.slice(1, -1));
  if (/^\d+(\.\d+){3}$/.test(host)) return isPublicV4(host);
  return host.includes('.') && !PRIVATE_NAME.test(host);
}
