import { h } from '../dom.ts';

/** A table that can be scrolled sideways where it is too wide. */
export function table(
  caption: string,
  columns: string[],
  rows: (Node | string)[][],
  numeric: number[] = [],
): HTMLElement {
  const align = (index: number) => (numeric.includes(index) ? { 'data-number': true } : {});
  return h(
    'div',
    { role: 'region', 'aria-label': caption, tabindex: 0 },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h('tr', {}, ...columns.map((name, i) => h('th', { scope: 'col', ...align(i) }, name))),
      ),
      h(
        'tbody',
        {},
        ...rows.map((cells) => h('tr', {}, ...cells.map((cell, i) => h('td', align(i), cell)))),
      ),
    ),
  );
}
