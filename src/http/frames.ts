import type { Context } from 'hono';
import { NotFoundError } from '../errors.ts';
import type { Wording } from '../page/seats.ts';
import type { Page } from '../page/shells.ts';
import { servicesOf } from '../services.ts';

/** What the build has made of the pages (`src/cli/page-assets.ts`). */
interface Frames {
  /** Hashes of the stylesheets, as a content policy has them. */
  styles: string[];
  languages: Record<string, { text: Wording['text']; pages: Record<Page, string> }>;
}

/** Read once in the life of an isolate. */
let frames: Frames | undefined;

async function readFrames(c: Context<{ Bindings: Env }>): Promise<Frames> {
  if (frames) return frames;
  const answer = await c.env.ASSETS?.fetch(new URL('/page/frames.json', c.req.url));
  // Where only the API is served, there are no pages.
  if (!answer?.ok) throw new NotFoundError(`There is no ${c.req.path}.`);
  frames = await answer.json<Frames>();
  return frames;
}

/** The language tags of `Accept-Language`, the most wanted first. */
function wantedTags(header: string): string[] {
  return header
    .split(',')
    .map((part) => {
      const [tag = '', ...settings] = part.trim().split(/\s*;\s*/);
      const quality = settings.find((each) => each.startsWith('q='));
      return { tag, q: quality ? Number(quality.slice(2)) : 1 };
    })
    .filter(({ tag, q }) => /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag) && q > 0)
    .sort((one, other) => other.q - one.q)
    .map(({ tag }) => tag);
}

/** The language of a page, and the locale of its numbers and times. English where we have none of the wanted ones. */
export function languageOf(header: string, languages: string[]): { lang: string; locale: string } {
  for (const tag of wantedTags(header)) {
    const [lang = ''] = tag.toLowerCase().split('-');
    if (languages.includes(lang)) return { lang, locale: tag };
  }
  return { lang: 'en', locale: 'en' };
}

/** A page is filled in with texts; those in `html` are markup already. */
export interface Filling {
  text: Record<string, string>;
  html?: Record<string, string>;
}

/** Text that can stand in an element, or in an attribute with double quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** The origins that may embed a page and give it a token. */
const embedders = ({ CORS_ORIGINS = '' }: Env) =>
  CORS_ORIGINS.split(',').flatMap((each) => each.trim() || []);

/** Loads from, and calls, this origin only; runs no script that stands in the page, and makes none of a text. */
function policyOf(styles: string[], ancestors: string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles.join(' ')}`,
    "img-src 'self'",
    "connect-src 'self'",
    `frame-ancestors ${ancestors.length > 0 ? ancestors.join(' ') : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** Answers a page in the reader's language. `fillIn` gives what is in it, for that language. */
export async function answerPage(
  c: Context<{ Bindings: Env }>,
  page: Page,
  status: 200 | 404,
  fillIn: (wording: Wording) => Filling,
) {
  const { styles, languages } = await readFrames(c);
  const known = Object.keys(languages);
  const { lang, locale } = languageOf(c.req.header('Accept-Language') ?? '', known);
  const language = languages[lang];
  if (!language) throw new NotFoundError(`There is no ${c.req.path}.`);
  const { text, html = {} } = fillIn({ text: language.text, locale });
  const origins = page === 'desk' ? [] : embedders(c.env);
  const { authenticate, links } = servicesOf(c.env);
  const values: Record<string, string> = {
    locale,
    auth: authenticate ? 'token' : 'none',
    links: links ? 'yes' : 'no',
    origins: origins.join(' '),
    now: String(Date.now()),
    ...text,
  };
  const body = language.pages[page].replace(
    /\{\{(\w+)\}\}/g,
    (_, name: string) => html[name] ?? escapeHtml(values[name] ?? ''),
  );
  c.header('Content-Security-Policy', policyOf(styles, origins));
  c.header('Content-Language', lang);
  c.header('Vary', 'Accept-Language', { append: true });
  return c.html(body, status);
}
