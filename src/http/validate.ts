import { zValidator } from '@hono/zod-validator';
import type { Context, ValidationTargets } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import type * as z from 'zod';
import {
  AppError,
  type FieldError,
  PayloadTooLargeError,
  UnsupportedMediaTypeError,
  ValidationError,
} from '../errors.ts';
import { BODY_MAX_BYTES, FIELD_ERRORS_MAX } from '../http-limits.ts';
import { permitInput } from './guard.ts';

/** How `Content-Type` names UTF-8, the only charset for JSON (RFC 8259, 8.1). */
const UTF_8 = /^utf-?8$/i;

/** @throws UnsupportedMediaTypeError for a body that is not declared as JSON in UTF-8, or is compressed */
function checkDeclaration(c: Context): void {
  const contentType = c.req.header('content-type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/([\w.-]+\+)?json$/.test(mediaType)) {
    const given = mediaType ? `was sent as ${mediaType}` : 'has no Content-Type';
    throw new UnsupportedMediaTypeError(`The body ${given}; send it as application/json.`);
  }
  for (const [, quoted, bare] of contentType.matchAll(
    /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/gi,
  )) {
    const charset = quoted ?? bare ?? '';
    if (UTF_8.test(charset)) continue;
    throw new UnsupportedMediaTypeError(`The body was sent in ${charset}; send it in UTF-8.`);
  }
  const codings = c.req.header('content-encoding')?.split(',') ?? [];
  const coding = codings.map((each) => each.trim()).find((each) => !/^(identity)?$/i.test(each));
  if (coding !== undefined) {
    c.header('Accept-Encoding', 'identity');
    throw new UnsupportedMediaTypeError(`The body was sent as ${coding}; send it as it is.`);
  }
}

/** Refuses bytes that are not UTF-8. A byte order mark at the start is skipped, as RFC 8259 permits. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** @throws ValidationError for bytes that are not UTF-8: a lenient decoder would make different ids equal */
async function readUtf8(c: Context): Promise<string> {
  const bytes = await c.req.raw.arrayBuffer();
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ValidationError([{ path: '', message: 'the body is not UTF-8' }]);
  }
}

/** Whether the body has a declared length, and that is within the limit. */
function isDeclaredSmall(c: Context, maxBytes: number): boolean {
  const length = c.req.header('content-length') ?? '';
  const isChunked = c.req.header('transfer-encoding') !== undefined;
  return !isChunked && /^\d+$/.test(length) && Number(length) <= maxBytes;
}

/** Refuses a body, before it is parsed, that is not declared as JSON, is not UTF-8, or is larger than `maxBytes`. */
export function jsonBody(maxBytes = BODY_MAX_BYTES) {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new PayloadTooLargeError(`The body is larger than ${maxBytes} bytes.`);
    },
  });
  return createMiddleware(async (c, next) => {
    checkDeclaration(c);
    const read = async () => {
      const text = await readUtf8(c);
      // Hono's validator takes the body from this cache; it would decode the bytes leniently.
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
    };
    try {
      // The runtime holds a client to the length that it declares. Hono's limit would open the body as a stream.
      if (isDeclaredSmall(c, maxBytes)) await read();
      else await limit(c, read);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new ValidationError([{ path: '', message: 'the body was cut off' }]);
    }
    await next();
  });
}

/** What is wrong with an input, by field; at most `FIELD_ERRORS_MAX` faults. */
export function toFieldErrors(error: z.core.$ZodError): FieldError[] {
  return error.issues
    .flatMap((issue) => {
      const { path, message } = issue;
      if (issue.code !== 'unrecognized_keys') return [{ path, message }];
      return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known here' }));
    })
    .slice(0, FIELD_ERRORS_MAX)
    .map(({ path, message }) => ({ path: path.join('.'), message }));
}

/** Checks a part of the request by its schema and by the caller's rights, and gives the handler the parsed input. */
export function validate<Target extends keyof ValidationTargets, Schema extends z.ZodType>(
  target: Target,
  schema: Schema,
) {
  return zValidator(target, schema, (result, c) => {
    if (result.success) return permitInput(c, result.data);
    throw new ValidationError(toFieldErrors(result.error));
  });
}
