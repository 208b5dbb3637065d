import type * as z from 'zod';

/** A fault of a secret. */
export interface SecretFault {
  /** Name of the secret and path in it, such as `API_KEYS.0.sha256`. */
  path: string;
  /** What is wrong, as a phrase that follows the path. */
  message: string;
}

/**
 * Reads a secret that is JSON. Callers can see the faults, so they never quote the secret. They don't name an
 * unknown field either: its name may be a secret in the wrong place.
 */
export function readSecret<T>(
  name: string,
  schema: z.ZodType<T>,
  text: string | undefined,
): { data: T; faults: null } | { data: null; faults: SecretFault[] } {
  const parsed = schema.safeParse(toJson(text));
  if (parsed.success) return { data: parsed.data, faults: null };
  const faults = parsed.error.issues.map((issue) => ({
    path: [name, ...issue.path].join('.'),
    message: issue.code === 'unrecognized_keys' ? 'has a field that is not known' : issue.message,
  }));
  return { data: null, faults };
}

/** Parses JSON; undefined when it is not JSON. The parser's message is dropped, since it quotes the secret. */
function toJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
