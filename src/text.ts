import * as z from 'zod';

/** Whether a text has more code points than `maxChars`. JSON Schema's `maxLength` counts so too: an emoji is one. */
export function isLongerThan(text: string, maxChars: number): boolean {
  return text.length > maxChars && [...text].length > maxChars;
}

/** The message for a value of the wrong type. */
export function expected(what: string) {
  return {
    error: ({ input }: { input: unknown }) =>
      input === undefined ? 'is missing' : `must be ${what}`,
  };
}

/**
 * A visible character: no blank, no control, and nothing that fonts leave out (zero-width characters, fillers,
 * selectors). The listed ranges are invisible too, but no Unicode property says so: the empty Braille pattern,
 * annotation marks, hieroglyph joiners, the null notehead and the Khitan filler.
 */
const SHOWS =
  /[^\s\p{Z}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{13430}-\u{1343f}\u{1d159}\u{16fe4}]/u;

/** Characters that change the order in which text is shown, even beyond its end: "Trojan Source". */
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/;

/** Control characters, and the two line separators that are not control characters. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/** The same, for text that may have lines and tabs. */
const CONTROLS_BUT_LINES = /[^\P{Cc}\t\n\r]|[\u2028\u2029]/u;

/** Invisible characters that scripts and emoji need: joiners, variation selectors and the letters of flags. */
const SHAPERS = '\\u200c\\u200d\\ufe00-\\ufe0f\\u{e0020}-\\u{e007f}\\u{e0100}-\\u{e01ef}';

/**
 * An invisible character without effect. Either it is not one of `SHAPERS`, or it is one in a place where it does
 * nothing: at the start, after a letter that neither joins nor varies, or after ASCII (except in emoji keycaps).
 */
const USELESS = new RegExp(
  [
    `[^\\P{Default_Ignorable_Code_Point}${SHAPERS}]`,
    `(?:^|[ -~\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}])(?!\\ufe0f\\u20e3)[${SHAPERS}]`,
    '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}][\\u200c\\u200d]',
  ].join('|'),
  'u',
);

/**
 * A trimmed text with something visible in it, at most `maxChars` code points long, and valid Unicode. It is not
 * normalised: the same letter in two encodings stays two texts.
 */
export function text(maxChars: number) {
  return z
    .string(expected('a string'))
    .trim()
    .refine((value) => value.isWellFormed(), {
      error: 'must be well-formed Unicode: it has a lone surrogate',
      abort: true,
    })
    .refine((value) => SHOWS.test(value), { error: 'must not be empty', abort: true })
    .refine((value) => !isLongerThan(value, maxChars), {
      error: `must be at most ${maxChars} characters`,
      abort: true,
    })
    .meta({ minLength: 1, maxLength: maxChars });
}

/** A text on one line that is shown in the order in which it is stored. */
export function line(maxChars: number) {
  return text(maxChars)
    .refine((value) => !CONTROLS.test(value), {
      error: 'must not contain control characters',
      abort: true,
    })
    .refine((value) => !REORDERS.test(value), {
      error: 'must not contain bidirectional controls',
      abort: true,
    });
}

/** A text of several lines that is shown in the order in which it is stored. */
export function lines(maxChars: number) {
  return text(maxChars)
    .refine((value) => !CONTROLS_BUT_LINES.test(value), {
      error: 'must not contain control characters but tabs and line ends',
      abort: true,
    })
    .refine((value) => !REORDERS.test(value), {
      error: 'must not contain bidirectional controls',
      abort: true,
    });
}

/** The id of something that exists. The rules are weaker than for a new id, since older ids may break those. */
export function givenId(maxChars: number) {
  return (
    text(maxChars)
      .refine((value) => !/\p{Cc}/u.test(value), {
        error: 'must not contain control characters',
        abort: true,
      })
      // URL parsers take both for path navigation, even percent-encoded, so no URL could contain them.
      .refine((value) => value !== '.' && value !== '..', {
        error: 'must not be "." or "..", which no URL path can name',
        abort: true,
      })
  );
}

/** A new id. Invisible characters are refused: with them, two ids could look the same. */
export function newId(maxChars: number) {
  return givenId(maxChars)
    .refine((value) => !REORDERS.test(value) && !CONTROLS.test(value), {
      error: 'must not contain bidirectional controls or line separators',
      abort: true,
    })
    .refine((value) => !USELESS.test(value), {
      error: 'must not contain characters that do not show',
      abort: true,
    })
    .refine((value) => !value.includes('\ufffd'), {
      error: 'must not contain U+FFFD, which stands for text that was lost',
    });
}
