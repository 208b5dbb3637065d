/** Eight groups of an IPv6 address, or null for what is none. */
function groupsOf(address: string): number[] | null {
  if (!/^[\da-f:.]+$/.test(address)) return null;
  // The parser of URLs knows every form; it writes dotted ends in hex, and one gap as `::`.
  const host = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (host === undefined) return null;
  const [left = [], right = []] = host
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * What an address counts as in the address limit: an IPv4 address as itself, also where it is written
 * as IPv6 (`::ffff:192.0.2.1`); an IPv6 address as its /64, since whoever has one address of such a network has
 * all of them. What is no address stays as it is.
 */
export function toNetwork(address: string): string {
  const plain = address.trim().toLowerCase();
  // A zone (`%eth0`) says by which interface, not who.
  const groups = plain.includes(':') ? groupsOf(plain.replace(/%.*$/, '')) : null;
  if (!groups) return plain;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) {
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.');
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
