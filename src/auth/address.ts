/** The eight groups of an IPv6 address; null if it is not one. */
function groupsOf(address: string): number[] | null {
  if (!/^[\da-f:.]+$/.test(address)) return null;
  // The URL parser accepts every form. It writes a dotted end in hex, and one run of zeros as `::`.
  const host = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (host === undefined) return null;
  const [left = [], right = []] = host
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * The key of an address in the address limit. An IPv4 address is its own key, also when it is written as IPv6
 * (`::ffff:192.0.2.1`). The key of an IPv6 address is its /64 network, since one caller usually has all of it.
 * Any other text is its own key.
 */
export function toNetwork(address: string): string {
  const plain = address.trim().toLowerCase();
  // A zone (`%eth0`) names an interface, not a caller.
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
