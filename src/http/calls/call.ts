import type * as z from 'zod';
import { IDEMPOTENCY_KEY_MAX_CHARS } from '../../http-limits.ts';

/** An optional header of a request. `/docs` shows the example, but does not fill it in. */
export interface RequestHeader {
  description: string;
  example: string;
  pattern?: string;
}

/** The groups of calls, in the order of the page. */
export const TAGS = {
  Users: 'Who can register.',
  Events: 'What users register for: capacity, waitlist and times.',
  Places: 'Seats and waitlist entries: of one user, and of a whole event.',
  Health: 'For monitors; open to all.',
};

/** A call of the API. */
export interface Call {
  /** The operation id. Generated clients name functions by it, so it must not change. */
  id: string;
  tag: keyof typeof TAGS;
  summary: string;
  description: string;
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Request headers by name. */
  headers?: Record<string, RequestHeader>;
  success: {
    status: 101 | 200 | 201 | 202;
    /** Another status that it can be answered with, by the same schema. */
    orStatus?: 202;
    schema: z.ZodType;
    /** `Done.` when left out. */
    description?: string;
    headers?: Record<string, string>;
    /** Whether the answer can be a 304, which has no body. */
    notModified?: boolean;
  };
  /** Statuses of the problems that are particular to the call. */
  problems: number[];
}

export const IDEMPOTENCY = {
  'Idempotency-Key': {
    description: '1 to 255 visible ASCII characters: the same key is carried out once in 24 h.',
    example: '7d7b4b5e-2f0c-4a53-9c1e-6a1f1b0c9d42',
    pattern: `^[!-~]{1,${IDEMPOTENCY_KEY_MAX_CHARS}}$`,
  },
};
export const REPLAYED = {
  'Idempotency-Replayed': '`true` when the answer repeats the first outcome.',
};

/** Problems of a call with a body. */
export const BODY_PROBLEMS = [400, 413, 415];
/** Problems of a call that takes an `Idempotency-Key`. */
export const KEY_PROBLEMS = [409, 422];
