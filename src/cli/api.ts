import { problemSchema } from '../http/answers.ts';
import { sleep } from '../sleep.ts';
import { CliError } from './terminal.ts';

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;
/** The longest wait that is worth it: that of the limits of calls. */
const MAX_WAIT_SECONDS = 60;

/** Reads a service over its public API. */
export class Api {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  /**
   * @param url where the service answers
   * @param token a token or key to show, if any
   */
  constructor(url: string, token?: string) {
    const { protocol, href } = URL.canParse(url) ? new URL(url) : { protocol: '', href: '' };
    if (protocol !== 'https:' && protocol !== 'http:') {
      throw new CliError(`${url} is no URL of a service: it begins with https:// or http://`);
    }
    this.#base = href.replace(/\/+$/, '');
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }

  /**
   * Reads what a path answers. A service that is busy is asked again.
   *
   * @param options `mayBeForbidden`: null is returned where the caller may not read it
   * @throws CliError for every refusal, and when there is no answer
   */
  async get(path: string, { mayBeForbidden = false } = {}): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const { status, headers, body } = await this.#ask(path);
      if (status === 200) return body;
      if (status === 403 && mayBeForbidden) return null;
      const isBusy = status === 429 || status === 503;
      if (!isBusy || attempt === ATTEMPTS) {
        const problem = problemSchema.safeParse(body).data;
        throw new CliError(
          `${this.#base} answers ${status}${problem ? `: ${problem.detail}` : '.'}`,
        );
      }
      const seconds = Number(headers.get('Retry-After') ?? 1) || 1;
      await sleep(Math.min(seconds, MAX_WAIT_SECONDS) * 1_000);
    }
  }

  async #ask(path: string): Promise<{ status: number; headers: Headers; body: unknown }> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(this.#base + path, { headers: this.#headers, signal });
      const text = await response.text();
      const isJson = response.headers.get('Content-Type')?.includes('json');
      const { status, headers } = response;
      return { status, headers, body: isJson ? JSON.parse(text) : null };
    } catch (error) {
      const { cause = error } = error as Error;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CliError(`${this.#base} does not answer as the service does (${why}).`);
    }
  }
}
