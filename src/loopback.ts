/**
 * Whether a host name, as a URL has it, is this machine's own: `localhost`, 127.0.0.0/8 or `[::1]`. Other
 * names may lead here as well, and whoever owns such a name can have it lead here (DNS rebinding).
 */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Whether what is sent there can be read by nobody on the way: https, or it stays on this machine. */
export function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
