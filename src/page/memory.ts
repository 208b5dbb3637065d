/** What this tab remembers until it is closed. Where the browser allows no storage, until the page is left. */
const fallback = new Map<string, string>();

function storage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** What was kept under a name; null when nothing was, or when it can't be read. */
export function recall<Value>(name: string): Value | null {
  const text = storage()?.getItem(name) ?? fallback.get(name);
  if (!text) return null;
  try {
    return JSON.parse(text) as Value;
  } catch {
    // Not ours: some other page of this origin wrote it.
    return null;
  }
}

/** Keeps a value under a name; null forgets it. */
export function keep(name: string, value: unknown): void {
  const text = JSON.stringify(value);
  if (value === null) fallback.delete(name);
  else fallback.set(name, text);
  try {
    if (value === null) storage()?.removeItem(name);
    else storage()?.setItem(name, text);
  } catch {
    // The storage is full or forbidden; `fallback` has it.
  }
}
