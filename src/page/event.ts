/** `/e/{eventId}`: an event, for who wants in. */
import { offered } from './action.ts';
import { call, clock, eventPath, withQuery } from './api.ts';
import { confirm, find, say } from './dom.ts';
import { saveToCalendar, showEvent, showNumbers, showOpenness, showPlace } from './event-view.ts';
import { labelOf, QUESTIONS, wordsFor } from './event-words.ts';
import { introduce } from './introduce.ts';
import { type LiveState, watch } from './live-client.ts';
import { needsToken, openPerson } from './person.ts';
import { openPress, type Press, send, toPress } from './press.ts';
import { shared, event as text } from './text/en.ts';
import {
  type CapacityView,
  type EventView,
  NOWHERE,
  type PlaceView,
  type Problem,
} from './wire.ts';
import { fill } from './words.ts';

const main = find('#event');
const eventId = main.dataset.id ?? '';
const button = find<HTMLButtonElement>('#press');
const secondButton = find<HTMLButtonElement>('#second');
const said = find('#said');

/** After an answer the button does nothing for a moment: a second press of a double press must not undo the first. */
const REST_MS = 900;

const parse = <Value>(json: string | undefined): Value | null => (json ? JSON.parse(json) : null);

let event = parse<EventView>(main.dataset.event);
let capacity = parse<CapacityView>(main.dataset.capacity);
let place: PlaceView | null = null;
let isBusy = false;
/** Whether one's place is being looked up after an answer. */
let isSettling = false;
let restsUntil = 0;
let watching: ReturnType<typeof watch> | null = null;
let refusedAt: string | undefined;
/** Somebody with a good token whom the service does not know yet. They have no place, and can't ask for it. */
let newcomer: string | undefined;
let lastState: LiveState = 'connecting';

const person = openPerson({
  onChange: () => {
    place = null;
    tell('');
    start();
  },
  onFailure: () => tell(needsToken ? text.sayToken : text.offline, true),
});
const token = () => person.current()?.token;

/** Says the outcome of a press, or what happened by itself. */
function tell(message: string, isBad = false): void {
  said.toggleAttribute('data-bad', isBad);
  say(said, message);
}

const CANNOT = ['opens', 'full', 'paused', 'closed', 'cancelled'];
const GETS_IN = ['register', 'join', 'take'];

function showButtons(): void {
  if (!event || !capacity) return;
  const { main: first, second } = offered(event, capacity, place, clock.now());
  const cannot = isBusy || CANNOT.includes(first.type);
  button.disabled = false;
  button.setAttribute('aria-disabled', String(cannot));
  button.toggleAttribute('data-main', GETS_IN.includes(first.type));
  say(button, isBusy ? text.sending : labelOf(first, clock.now()));
  secondButton.hidden = second === null;
  secondButton.disabled = isBusy;
  if (second) say(secondButton, labelOf(second, clock.now()));
}

/** Shows what the clock decides, such as the opening: it is decided anew each time. */
function showByClock(): void {
  if (event) showOpenness(event);
  showPlace(event, place, { isKnown: person.current() !== null, needsToken });
  showButtons();
}

function show(): void {
  if (event) showEvent(event);
  if (event && capacity) showNumbers(event, capacity);
  showByClock();
}

/** Reads the event itself; the watch tells only its numbers. */
async function readEvent(): Promise<void> {
  try {
    const answer = await call<EventView>('GET', eventPath(eventId), { token: token() });
    if (answer.problem) {
      refused(answer.problem);
      return;
    }
    event = answer.body;
    show();
  } catch {
    showState('connecting');
  }
}

/** Whether a 404 is about the reader, and not about the event: then the event can be read. */
async function isNewcomer(): Promise<boolean> {
  const userId = person.current()?.userId;
  if (userId === undefined || userId === newcomer) return false;
  try {
    const { problem } = await call('GET', eventPath(eventId), { token: token() });
    if (!problem) newcomer = userId;
    return !problem;
  } catch {
    return false;
  }
}

/** Forgets a name that the tab remembers, and that is there no more. */
function forget(name: string): void {
  newcomer = undefined;
  person.forget();
  tell(fill(text.gone, { name }), true);
}

/** What the service says to somebody who may not see this. */
async function refused({ status, detail }: Problem): Promise<void> {
  if (status === 404) {
    const name = person.current()?.userId ?? '';
    if (await isNewcomer()) return needsToken ? start() : forget(name);
    say(find('h1'), shared.noEvent);
    tell(shared.noEventHint, true);
    return;
  }
  if (status !== 401 && status !== 403) {
    tell(fill(text.refusedOther, { detail }), true);
    return;
  }
  if (refusedAt === token()) return;
  refusedAt = token();
  person.forget();
  tell(text.refusedWho, true);
}

function showState(state: LiveState): void {
  lastState = state;
  const words: Partial<Record<LiveState, string>> = {
    live: text.live,
    polling: text.polling,
    connecting: text.offline,
  };
  say(find('#state'), navigator.onLine ? (words[state] ?? '') : text.offline);
}

/** Tells of a change of one's place that nobody pressed for; true when the place is gone. */
function tellOfMove(before: PlaceView | null, after: PlaceView): boolean {
  if (isBusy || isSettling || !before || before.status === after.status) return false;
  if (after.status === 'ACTIVE') tell(text.promoted);
  else if (after.status === 'OFFERED') tell(text.offerCame);
  else if (after.status === 'NONE') {
    tell(before.status === 'OFFERED' ? text.offerGone : text.taken, true);
  }
  return after.status === 'NONE';
}

function start(): void {
  watching?.close();
  watching = null;
  show();
  const userId = person.current()?.userId;
  const isStranger = needsToken && userId === undefined;
  main.toggleAttribute('data-stranger', isStranger);
  if (isStranger) {
    say(find('h1'), text.welcome);
    showState('closed');
    return;
  }
  if (userId !== undefined && userId === newcomer) place = NOWHERE;
  if (!event) readEvent();
  let revision: unknown;
  watching = watch({
    url: location.origin,
    eventId,
    userId: userId === newcomer ? undefined : userId,
    ...(needsToken ? { token } : {}),
    onOccupancy(occupancy) {
      const sign = occupancy.revision ?? `${occupancy.totalCapacity} ${occupancy.status}`;
      const isNews = revision !== undefined && revision !== sign;
      revision = sign;
      capacity = occupancy;
      // A message of the socket is as new as it is late; while polling the answers themselves set the clock.
      if (occupancy.version !== null) {
        clock.learn(Date.parse(occupancy.now), Number.NEGATIVE_INFINITY, clock.local(), 1);
      }
      if (isNews || !event) readEvent();
      else show();
    },
    onPlace(next) {
      const hasLost = tellOfMove(place, next);
      place = next;
      show();
      // Whoever was erased has no place either, and can't ask for one.
      if (hasLost && !needsToken) look();
    },
    onState: showState,
    onProblem: refused,
  });
  resume();
}

/** Sends a press, says the answer, and looks where one stands now. */
async function carryOut(press: Press): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  tell('');
  showButtons();
  const answer = await send<Partial<PlaceView>>(eventId, press, token, () => tell(text.waiting));
  isBusy = false;
  if (press.kind === 'register' && answer.problem?.title === 'NotFoundError') {
    if (!needsToken) return forget(press.userId);
    // Their token is good, and the service does not know them yet. Such an answer is not kept under the key.
    if (await introduce(press.userId, token(), tell)) {
      newcomer = undefined;
      await carryOut(toPress(eventId, 'register', press.userId));
      return start();
    }
    return showButtons();
  }
  restsUntil = performance.now() + REST_MS;
  tell(...wordsFor(press, answer));
  // The watch may tell of this press a moment later: that is no move that nobody pressed for.
  isSettling = true;
  await look();
  isSettling = false;
  watching?.refresh();
}

/** Where one stands now, asked for at once. */
async function look(): Promise<void> {
  const userId = person.current()?.userId;
  if (userId === undefined || userId === newcomer) return showButtons();
  try {
    const path = withQuery('/registration/registrations', { userId, eventId });
    const { problem, body } = await call<PlaceView>('GET', path, { token: token() });
    if (problem?.status === 404 && !needsToken) return refused(problem);
    if (!problem && person.current()?.userId === userId) place = body;
  } catch {
    // The watch asks again.
  }
  show();
}

/** Goes on with a press that this tab has not seen the answer of. */
function resume(): void {
  const press = openPress(eventId);
  if (press && press.userId === person.current()?.userId) carryOut(press);
}

async function press(which: 'main' | 'second'): Promise<void> {
  if (isBusy || performance.now() < restsUntil || !event || !capacity) return;
  const action = offered(event, capacity, place, clock.now())[which];
  if (!action || CANNOT.includes(action.type)) return;
  if (!person.current()) {
    if (!(await person.submit())) {
      person.focus();
      return tell(text.saying, true);
    }
    // They may have a place already.
    await look();
    const now = offered(event, capacity, place, clock.now())[which];
    if (now?.type !== action.type) return;
  }
  const userId = person.current()?.userId ?? '';
  switch (action.type) {
    case 'register':
    case 'join':
      return carryOut(toPress(eventId, 'register', userId));
    case 'take':
      return carryOut(toPress(eventId, 'take', userId));
    case 'leave':
    case 'leaveLine':
    case 'decline': {
      const question = { ...QUESTIONS[action.type], keep: text.keep, yes: text.yes };
      if (await confirm(question)) return carryOut(toPress(eventId, action.type, userId));
    }
  }
}

button.addEventListener('click', () => press('main'));
secondButton.addEventListener('click', () => press('second'));
find('#calendar').addEventListener('click', () => saveToCalendar(event));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) watching?.refresh();
});
addEventListener('offline', () => showState(lastState));
addEventListener('online', () => {
  showState(lastState);
  watching?.refresh();
});
setInterval(showByClock, 500);
start();
