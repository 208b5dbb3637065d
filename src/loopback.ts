/**
 * Whether the host name of a URL is this machine's own: `localhost`, 127.0.0.0/8 or `[::1]`. Any other name can
 * resolve to this machine too, if its owner wants it to (DNS rebinding).
 */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Whether nobody on the way can read what is sent to this URL: it is https, or on this machine. */
export function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
