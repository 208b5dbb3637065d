import { RATE_LIMIT_CALLS, RATE_LIMIT_PERIOD_SECONDS, RETRY_AFTER_SECONDS } from './http-limits.ts';

/** A fault of the input: the path of the field, and what is wrong with it. */
export interface FieldError {
  path: string;
  message: string;
}

/** The body of an error answer (RFC 9457). `title` is the class of the error. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldError[] | undefined;
}

/** The root of all errors that a client is told. The message is one sentence for a person. */
export abstract class AppError extends Error {
  abstract readonly status:
    | 400
    | 401
    | 403
    | 404
    | 405
    | 409
    | 412
    | 413
    | 414
    | 415
    | 421
    | 422
    | 426
    | 429
    | 500
    | 503;
  abstract override readonly name: string;

  /** Response headers that belong to the refusal. */
  get headers(): Record<string, string> {
    return {};
  }

  /** The RFC 9457 problem document. `title` is the class name. */
  toProblem(): Problem {
    return {
      type: `urn:registration:problem:${this.name}`,
      title: this.name,
      status: this.status,
      detail: this.message,
    };
  }
}

/** Invalid input: wrong type, bound, missing field, malformed JSON. */
export class ValidationError extends AppError {
  readonly status = 400;
  override readonly name = 'ValidationError';
  readonly errors: FieldError[];

  constructor(errors: FieldError[]) {
    const faults = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    super(`The request is not valid: ${faults.join('; ')}.`);
    this.errors = errors;
  }

  override toProblem(): Problem {
    return { ...super.toProblem(), errors: this.errors };
  }
}

/** The resource exists already. */
export class DuplicateError extends AppError {
  readonly status = 409;
  override readonly name = 'DuplicateError';
}

/** The token or key is missing, not valid or expired (RFC 6750). */
export class UnauthenticatedError extends AppError {
  readonly status = 401;
  override readonly name = 'UnauthenticatedError';
  readonly reason: 'missing' | 'invalid' | 'expired';

  constructor(reason: 'missing' | 'invalid' | 'expired') {
    const phrases = { missing: 'is needed', invalid: 'is not valid', expired: 'has expired' };
    super(`A token or key as Authorization: Bearer ${phrases[reason]}.`);
    this.reason = reason;
  }

  override get headers(): Record<string, string> {
    const error = this.reason === 'missing' ? '' : ', error="invalid_token"';
    return { 'WWW-Authenticate': `Bearer realm="registration"${error}` };
  }
}

/** The caller may not make this call. It depends on the request alone, so it does not tell what exists. */
export class ForbiddenError extends AppError {
  readonly status = 403;
  override readonly name = 'ForbiddenError';

  constructor() {
    super('The caller may not make this call.');
  }
}

/** More calls than one caller or address may make. */
export class RateLimitedError extends AppError {
  readonly status = 429;
  override readonly name = 'RateLimitedError';
  readonly #policy: keyof typeof RATE_LIMIT_CALLS;

  constructor(policy: keyof typeof RATE_LIMIT_CALLS) {
    super('Too many calls: this one was not carried out.');
    this.#policy = policy;
  }

  /** draft-ietf-httpapi-ratelimit-headers. The runtime does not tell when the period ends, so `t` is its length. */
  override get headers(): Record<string, string> {
    const seconds = String(RATE_LIMIT_PERIOD_SECONDS);
    const policy = `"${this.#policy}"`;
    return {
      'Retry-After': seconds,
      RateLimit: `${policy};r=0;t=${seconds}`,
      'RateLimit-Policy': `${policy};q=${RATE_LIMIT_CALLS[this.#policy]};w=${seconds}`,
    };
  }
}

/** No such resource. */
export class NotFoundError extends AppError {
  readonly status = 404;
  override readonly name = 'NotFoundError';
}

/** The event is full. */
export class CapacityError extends AppError {
  readonly status = 409;
  override readonly name = 'CapacityError';
}

/** The operation cannot be done in the state that the event is in. */
export class RegistrationError extends AppError {
  readonly status = 400;
  override readonly name = 'RegistrationError';
}

/** The event has changed since the caller read it: `If-Match` names another revision. */
export class PreconditionFailedError extends AppError {
  readonly status = 412;
  override readonly name = 'PreconditionFailedError';
}

/** The host name of the request is not a loopback name, and only those are answered (RFC 9110, 15.5.20). */
export class MisdirectedError extends AppError {
  readonly status = 421;
  override readonly name = 'MisdirectedError';

  constructor() {
    super(
      'In development only localhost and loopback addresses are answered, unless ALLOW_UNAUTHENTICATED is "yes".',
    );
  }
}

/** The `Idempotency-Key` was used before, for a different request. */
export class KeyReusedError extends AppError {
  readonly status = 422;
  override readonly name = 'KeyReusedError';
}

/** The first request with this `Idempotency-Key` is still in flight. */
export class KeyInFlightError extends AppError {
  readonly status = 409;
  override readonly name = 'KeyInFlightError';
}

/** The path exists, the method does not. */
export class MethodNotAllowedError extends AppError {
  readonly status = 405;
  override readonly name = 'MethodNotAllowedError';
  readonly #allow: string;

  constructor(method: string, path: string, allowed: string[]) {
    super(`${method} is not allowed on ${path}; it takes ${allowed.join(', ')}.`);
    this.#allow = allowed.join(', ');
  }

  override get headers(): Record<string, string> {
    return { Allow: this.#allow };
  }
}

/** The body is larger than the service reads. */
export class PayloadTooLargeError extends AppError {
  readonly status = 413;
  override readonly name = 'PayloadTooLargeError';
}

/** The URL is longer than `URL_MAX_CHARS`. */
export class UriTooLongError extends AppError {
  readonly status = 414;
  override readonly name = 'UriTooLongError';
}

/** The body is not declared as JSON in UTF-8, or is compressed. */
export class UnsupportedMediaTypeError extends AppError {
  readonly status = 415;
  override readonly name = 'UnsupportedMediaTypeError';
}

/** The call is answered over a WebSocket only (RFC 9110, 15.5.22). */
export class UpgradeRequiredError extends AppError {
  readonly status = 426;
  override readonly name = 'UpgradeRequiredError';

  override get headers(): Record<string, string> {
    return { Upgrade: 'websocket', Connection: 'Upgrade' };
  }
}

/** The service is busy, or a table cannot be reached: the same request may succeed later. */
export class UnavailableError extends AppError {
  readonly status = 503;
  override readonly name: string = 'UnavailableError';

  override get headers(): Record<string, string> {
    return { 'Retry-After': String(RETRY_AFTER_SECONDS) };
  }
}

/** A setting is missing or impossible; the detail names it, never its value. */
export class ConfigurationError extends UnavailableError {
  override readonly name = 'ConfigurationError';

  /** The same error with advice for running on this machine instead of advice for a deployment. */
  forThisMachine(): ConfigurationError {
    const faults = this.message.replace(/; it is a secret: set it with `wrangler secret put`/g, '');
    return new ConfigurationError(
      `${faults} On this machine run \`npm start\` (or \`npm run dev\`) instead of \`wrangler dev\`, which has no settings.`,
    );
  }
}

/** A defect of the service. The log has the error under the request id. */
export class InternalError extends AppError {
  readonly status = 500;
  override readonly name = 'InternalError';
}
