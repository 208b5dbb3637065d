/**
 * The server's clock. The device's own may be wrong by minutes; counting down to the opening by it would be unfair.
 * Each answer narrows down by how much they differ.
 */
export class ServerClock {
  /** The difference is at least this, and at most that, in milliseconds. */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  readonly #local: () => number;

  /** @param local milliseconds by a clock that nobody sets meanwhile */
  constructor(local: () => number = () => performance.timeOrigin + performance.now()) {
    this.#local = local;
  }

  /** The device's time now, for `learn`. */
  local(): number {
    return this.#local();
  }

  /**
   * Learns from a time that the server told between two moments of the device.
   *
   * @param precisionMs what was cut off: 1 000 for the header `Date`
   */
  learn(serverMs: number, sentAt: number, receivedAt: number, precisionMs: number): void {
    if (!Number.isFinite(serverMs)) return;
    const low = serverMs - receivedAt;
    const high = serverMs + precisionMs - sentAt;
    // Out of what was known: one of the clocks has moved, or the device slept. Begin anew.
    const isNews = low > this.#high || high < this.#low;
    this.#low = isNews ? low : Math.max(this.#low, low);
    this.#high = isNews ? high : Math.min(this.#high, high);
  }

  /** The server's time now, never ahead of it: who presses at the end of a countdown is not too early. */
  now(): number {
    return this.#local() + (Number.isFinite(this.#low) ? this.#low : 0);
  }
}
