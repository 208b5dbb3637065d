/** The subprotocol of the sockets that tell what happens to an event. */
export const LIVE_PROTOCOL = 'registration.live.v1';

/** How a client that can't set headers, such as a page, shows its token: as another subprotocol. */
export const BEARER_PROTOCOL = 'bearer.';
