/** The form that asks who one is, and the name that takes its place. */
import { call } from './api.ts';
import { find, say } from './dom.ts';
import {
  currentIdentity,
  type Identity,
  listenToEmbedder,
  takeIdentity,
  takeToken,
} from './identity.ts';

/** Whether people show a token here. Otherwise a name is enough. */
export const needsToken = document.body.dataset.auth === 'token';

/** The user of a typed name, which is their id too; created if there is none. */
async function userCalled(name: string): Promise<Identity | null> {
  const found = await call('GET', `/registration/users/${encodeURIComponent(name)}`);
  if (found.status === 404) {
    const body = { userId: name, name };
    const made = await call('POST', '/registration/users', { body, key: crypto.randomUUID() });
    // 409: somebody of this name came at the same moment.
    if (made.problem && made.status !== 409) return null;
  } else if (found.problem) return null;
  return { userId: name, token: undefined };
}

/** Who one is, for a page. */
export interface Person {
  current(): Identity | null;
  /** Takes what is typed in the form; tells whether somebody is known now. */
  submit(): Promise<boolean>;
  /** Shows the form again, with what was typed. */
  forget(): void;
  focus(): void;
}

/**
 * Brings the form to life.
 *
 * @param onChange is told who it is now
 * @param onFailure is told that the form was not accepted
 */
export function openPerson(options: {
  onChange: (identity: Identity | null) => void;
  onFailure: () => void;
}): Person {
  const { onChange, onFailure } = options;
  const form = find<HTMLFormElement>('#who');
  const input = find<HTMLInputElement>('#who-input');
  const button = find<HTMLButtonElement>('button', form);
  const me = find('#me');
  let identity = currentIdentity();
  if (!needsToken && identity?.token) identity = takeIdentity(null);
  let isBusy = false;

  function show(): void {
    form.style.visibility = identity ? 'hidden' : '';
    me.hidden = identity === null;
    say(find('b', me), identity?.userId ?? '');
    input.disabled = button.disabled = identity !== null;
  }
  function become(next: Identity | null): void {
    identity = takeIdentity(next);
    show();
    onChange(identity);
  }
  async function submit(): Promise<boolean> {
    const typed = input.value.trim();
    if (identity !== null || typed === '' || isBusy) return identity !== null;
    isBusy = true;
    try {
      const next = needsToken ? takeToken(typed) : await userCalled(typed);
      if (next) become(next);
      else onFailure();
      return next !== null;
    } catch {
      onFailure();
      return false;
    } finally {
      isBusy = false;
    }
  }

  input.type = needsToken ? 'password' : 'text';
  if (!needsToken) input.maxLength = 100;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  find('button', me).addEventListener('click', () => {
    input.value = '';
    become(null);
    input.focus();
  });
  listenToEmbedder((document.body.dataset.origins ?? '').split(' ').filter(Boolean), become);
  // A personal address that is opened while the page is there.
  addEventListener('hashchange', () => {
    const next = currentIdentity();
    if (next && next.token !== identity?.token) become(next);
  });
  show();
  return {
    current: () => identity,
    submit,
    forget: () => become(null),
    focus: () => input.focus(),
  };
}
