/** Makes and finds elements. Text is always text: nothing here reads markup. */

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | EventListener>;

const SVG = 'http://www.w3.org/2000/svg';

function dress<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(
    ...children.filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** An element. An attribute that is a function listens to the event of its name. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return dress(document.createElement(tag), attributes, children);
}

/** An element of a drawing. */
export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  return dress(document.createElementNS(SVG, tag) as SVGElement, attributes, children);
}

/** The element that the page has for certain. */
export function find<E extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): E {
  const found = within.querySelector<E>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** Sets a text only where it differs, so that nothing is announced or laid out for nothing. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Asks before something is done. `keep` has the focus at first. */
export function confirm(asked: {
  title: string;
  hint: string;
  keep: string;
  yes: string;
}): Promise<boolean> {
  return new Promise((resolve) => {
    const title = h('h2', { id: 'asked' }, asked.title);
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'asked' },
      title,
      h('p', {}, asked.hint),
      h(
        'form',
        { method: 'dialog' },
        h('button', { value: 'keep', autofocus: true }, asked.keep),
        h('button', { value: 'yes', 'data-danger': true }, asked.yes),
      ),
    );
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks for a text; null when it is not given. */
export function askFor(asked: {
  title: string;
  label: string;
  yes: string;
}): Promise<string | null> {
  return new Promise((resolve) => {
    const input = h('input', {
      id: 'answer',
      required: true,
      maxlength: 200,
      autocomplete: 'name',
    });
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'asked' },
      h('h2', { id: 'asked' }, asked.title),
      h(
        'form',
        { method: 'dialog' },
        h('label', { for: 'answer' }, asked.label),
        input,
        h('button', { value: 'yes', 'data-main': true }, asked.yes),
      ),
    );
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes' ? input.value.trim() : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
