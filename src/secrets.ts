import type * as z from 'zod';

/** What is wrong with a secret: where, and a sentence that follows the name. */
export interface SecretFault {
  /** Name of the secret and of what is in it, such as `API_KEYS.0.sha256`. */
  path: string;
  message: string;
}

/**
 * Reads a secret that is JSON. What is told of a fault is shown to whoever calls, so it quotes nothing:
 * of a field that the schema does not know not even the name, which may be a secret in the wrong place.
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

/** Undefined when it is no JSON: the schema then says what was expected. The parser's words quote it. */
function toJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
