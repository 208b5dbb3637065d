/** Something that is done again after changes, but not after each of many. */
export interface Throttled {
  /** Has it done: at once, or after the pause since the last time. */
  ask(): void;
  end(): void;
}

/**
 * Does something when it is asked for, one at a time, with a pause in between.
 *
 * @param run what is done; it must not throw
 */
export function throttle(run: () => Promise<void>, pauseMs: number): Throttled {
  let isAsked = false;
  let isAtWork = false;
  let isOver = false;
  async function work(): Promise<void> {
    isAtWork = true;
    while (isAsked && !isOver) {
      isAsked = false;
      await run();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    isAtWork = false;
  }
  return {
    ask() {
      isAsked = true;
      if (!isAtWork) void work();
    },
    end() {
      isOver = true;
    },
  };
}
