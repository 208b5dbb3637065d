/** Builds the pages: a script for each page and language, the icon, and the frames that the worker fills in. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { PAGES, SHELLS } from '../page/shells.ts';
import * as de from '../page/text/de.ts';
import * as en from '../page/text/en.ts';

const SOURCE = resolve(import.meta.dirname, '../page');
const TEXTS = { en, de };

/** The first bits of a SHA-256, for a name that changes with the content. */
const shortHash = (content: string) =>
  createHash('sha256').update(content).digest('base64url').slice(0, 10);

/** The script of a page. It has the text of its own language only. */
async function bundle(page: string, lang: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, `${page}.ts`)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome109', 'firefox115', 'safari16.4'],
    charset: 'utf8',
    write: false,
    plugins: [
      {
        name: 'language',
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/text\/en\.ts$/ }, () => ({
            path: join(SOURCE, `text/${lang}.ts`),
          })),
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

/** Writes the pages into `directory`. Their files are in `page/` of it. */
export async function writePages(directory: string): Promise<void> {
  const target = join(directory, 'page');
  mkdirSync(target, { recursive: true });
  const kept = new Set<string>();
  /** Writes a file, in one step, unless it is there: somebody may be serving it. */
  const put = (name: string, content: string) => {
    kept.add(name);
    const path = join(target, name);
    if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
    writeFileSync(`${path}.${process.pid}`, content);
    renameSync(`${path}.${process.pid}`, path);
  };
  /** Writes a file under a name that has its hash; answers its path on the service. */
  const write = (name: string, content: string) => {
    const hashed = name.replace(/(\.\w+)$/, `-${shortHash(content)}$1`);
    put(hashed, content);
    return `/page/${hashed}`;
  };
  const minified = async (file: string) =>
    (
      await transform(readFileSync(join(SOURCE, file), 'utf8'), {
        loader: 'css',
        minify: true,
        target: ['chrome109', 'firefox115', 'safari16.4'],
      })
    ).code.trim();
  const icon = write('icon.svg', readFileSync(join(SOURCE, 'icon.svg'), 'utf8'));
  const style = await minified('style.css');
  const deskStyle = style + (await minified('desk.css'));
  const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const frames = await Promise.all(
    Object.entries(TEXTS).map(async ([lang, text]) => {
      const pages = await Promise.all(
        PAGES.map(async (page) => {
          const script =
            page === 'missing' ? null : write(`${page}.${lang}.js`, await bundle(page, lang));
          const parts = {
            lang,
            text: { ...text.shared, ...text.shell },
            style: page === 'desk' ? deskStyle : style,
            script,
            icon,
          };
          return [page, SHELLS[page](parts)] as const;
        }),
      );
      return [lang, { text: text.shared, pages: Object.fromEntries(pages) }] as const;
    }),
  );
  put(
    'frames.json',
    JSON.stringify({
      styles: [sha256(style), sha256(deskStyle)],
      languages: Object.fromEntries(frames),
    }),
  );
  for (const name of readdirSync(target))
    if (!kept.has(name)) rmSync(join(target, name), { force: true });
}
