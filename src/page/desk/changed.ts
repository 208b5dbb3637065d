import type { EventView } from '../wire.ts';

/** What of an event can be set. */
export type Settings = Partial<EventView>;

/** The settings of the form that differ. Times are compared to the minute, which is what the form shows. */
export function changed(before: Settings, after: Settings): Settings {
  const minute = (value: unknown) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? value.slice(0, 16) : value;
  const defaults: Settings = { timeZone: 'UTC' };
  const of = (settings: Settings, name: string) =>
    minute(
      (settings as Record<string, unknown>)[name] ??
        (defaults as Record<string, unknown>)[name] ??
        null,
    );
  return Object.fromEntries(
    Object.entries(after).filter(([name]) => of(before, name) !== of(after, name)),
  );
}
