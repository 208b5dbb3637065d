import type * as z from 'zod';
import { CliError } from './terminal.ts';

/**
 * An answer of the API in the form that it must have.
 *
 * @throws CliError when it has another one
 */
export function parseAnswer<Schema extends z.ZodType>(
  body: unknown,
  schema: Schema,
): z.infer<Schema> {
  const { data, error } = schema.safeParse(body);
  if (error) throw new CliError(`This is no answer of the service: ${firstIssue(error)}.`);
  return data as z.infer<Schema>;
}

/** The first thing that is wrong with a value, and where. */
export function firstIssue({ issues }: z.ZodError): string {
  const { path = [], message = '' } = issues[0] ?? {};
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
