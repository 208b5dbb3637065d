/** Puts values into text. Used by the worker and by the browser. */

/** Replaces each `{name}` in a text. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Chooses `NAME_one` or `NAME_other` by a number, and fills it in as `{n}`. */
export function count<Name extends string>(
  texts: Record<`${Name}_one` | `${Name}_other`, string>,
  name: Name,
  n: number,
  locale: string,
  values: Record<string, string | number> = {},
): string {
  const isOne = new Intl.PluralRules(locale).select(n) === 'one';
  const form: `${Name}_one` | `${Name}_other` = isOne ? `${name}_one` : `${name}_other`;
  return fill(texts[form], {
    n: n.toLocaleString(locale),
    ...values,
  });
}
