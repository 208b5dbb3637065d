/**
 * The frames of the pages, made once for each language when the worker is built. `{{name}}` stands for what the worker
 * fills in for a request.
 */
import type { shared as sharedText, shell as shellText } from './text/en.ts';

/** The pages. */
export const PAGES = ['list', 'event', 'desk', 'missing'] as const;
export type Page = (typeof PAGES)[number];

/** What a frame is made of. */
export interface Parts {
  lang: string;
  text: typeof sharedText & typeof shellText;
  /** The stylesheet, which stands in the page, so that one round trip is enough to see it. */
  style: string;
  /** Paths of the files that the page loads. */
  script: string | null;
  icon: string;
}

const head = ({ lang, style, script, icon }: Parts) => `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{title}}</title>
<link rel="icon" type="image/svg+xml" href="${icon}">
<style>${style}</style>
${script ? `<script type="module" src="${script}"></script>` : ''}
</head>
<body data-locale="{{locale}}" data-auth="{{auth}}" data-links="{{links}}" data-origins="{{origins}}" data-now="{{now}}">`;

const foot = '</body>\n</html>\n';

/** Who one is: a form, and in its place the name as soon as it is known. `{{auth}}` decides what is asked for. */
const person = ({ text }: Parts) => `<div id="person">
<form id="who" autocomplete="off">
<label for="who-input"><span data-for="none">${text.name}</span><span data-for="token">${text.token}</span></label>
<span><input id="who-input" required maxlength="8000" autocapitalize="words" spellcheck="false" disabled>
<button disabled>${text.go}</button></span>
</form>
<p id="me" hidden><span><small>${text.youAre}</small><b></b></span><button type="button">${text.notYou}</button></p>
</div>`;

const list = (parts: Parts) => `${head(parts)}
<header><a href="/">${parts.text.brand}</a></header>
<main id="list">
<h1>${parts.text.openEvents}</h1>
<section id="mine" aria-label="${parts.text.yourPlaces}">
<noscript>${parts.text.noScript}</noscript>
${person(parts)}
<div><p id="told" role="status"></p><ul id="places"></ul><button id="more" type="button" hidden>${parts.text.showMore}</button></div>
</section>
<div>
<ul id="events">{{events}}</ul>
<p id="empty" role="status">{{empty}}</p>
<p>{{more}}</p>
</div>
</main>
<footer><a href="/desk">${parts.text.forOrganisers}</a></footer>
${foot}`;

const event = (parts: Parts) => `${head(parts)}
<header><a href="/">${parts.text.brand}</a><a href="/">${parts.text.allEvents}</a></header>
<main id="event" data-id="{{eventId}}" data-event="{{event}}" data-capacity="{{capacity}}">
<div id="about">
<h1>{{name}}</h1>
<p id="time" data-when="{{startsAt}}">{{when}}<span></span></p>
<div id="numbers"><p>{{free}}</p><div role="meter" aria-label="{{free}}" aria-valuemin="0" aria-valuemax="{{total}}" aria-valuenow="{{taken}}"><i></i></div><p>{{waiting}}</p></div>
<p id="openness" data-status="{{status}}">{{openness}}</p>
<button id="calendar" type="button" data-when="{{startsAt}}" disabled>${parts.text.calendar}</button>
</div>
<section id="card" aria-label="${parts.text.yourPlace}">
<noscript>${parts.text.noScript}</noscript>
${person(parts)}
<p id="place" role="status"></p>
<button id="press" type="button" data-main disabled>${parts.text.register}</button>
<p id="said" role="status"></p>
<button id="second" type="button" hidden></button>
</section>
</main>
<footer id="state"></footer>
${foot}`;

const desk = (parts: Parts) => `${head(parts)}
<header><a href="/desk">${parts.text.desk}</a><a href="/">${parts.text.events}</a></header>
<main id="desk">
<div><h1>${parts.text.desk}</h1><noscript>${parts.text.noScript}</noscript></div>
<p id="said" role="status"></p>
</main>
<footer><button id="leave" type="button" hidden>${parts.text.leave}</button></footer>
${foot}`;

const missing = (parts: Parts) => `${head(parts)}
<header><a href="/">${parts.text.brand}</a><a href="/">${parts.text.allEvents}</a></header>
<main><h1>${parts.text.noEvent}</h1><p id="empty">${parts.text.noEventHint}</p></main>
${foot}`;

/** The frame of each page. */
export const SHELLS: Record<Page, (parts: Parts) => string> = { list, event, desk, missing };
