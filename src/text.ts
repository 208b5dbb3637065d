import * as z from 'zod';

/** Counts code points, as JSON Schema's `maxLength` does: an emoji is one character. */
export function isLongerThan(text: string, maxChars: number): boolean {
  return text.length > maxChars && [...text].length > maxChars;
}

/** What to say of a value of the wrong type. */
export function expected(what: string) {
  return {
    error: ({ input }: { input: unknown }) =>
      input === undefined ? 'is missing' : `must be ${what}`,
  };
}

/**
 * Anything that shows: neither blank, nor a control, nor what fonts leave out (zero-width characters,
 * fillers, selectors). The ranges are blank too, and Unicode has no property that says so: the empty
 * Braille pattern, annotation marks, hieroglyph joiners, the null notehead and the Khitan filler.
 */
const SHOWS =
  /[^\s\p{Z}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{13430}-\u{1343f}\u{1d159}\u{16fe4}]/u;

/** Makes text read in another order than it is stored in, past its own end: "Trojan Source". */
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/;

/** Controls, and the two characters that end a line without being controls. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/** The same, for text that may have lines and tabs. */
const CONTROLS_BUT_LINES = /[^\P{Cc}\t\n\r]|[\u2028\u2029]/u;

/** Joiners, variation selectors and the letters of flags: scripts and emoji need them. */
const SHAPERS = '\\u200c\\u200d\\ufe00-\\ufe0f\\u{e0020}-\\u{e007f}\\u{e0100}-\\u{e01ef}';

/**
 * A character that does not show and changes nothing: none of those, or one of them where it has no
 * effect, which is in front, behind a letter that neither joins nor varies, or behind ASCII, digits in
 * emoji keycaps aside.
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
 * Trimmed, showing something, at most `maxChars` code points, and storable as UTF-8 without loss. Kept
 * as it was sent: two ways of writing one letter (Unicode normalisation) stay two.
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

/** Text on one line, which reads as it is stored. */
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

/** Text of several lines, which reads as it is stored. */
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

/** The id of something that exists: older ids may be what a new one must not be any more. */
export function givenId(maxChars: number) {
  return (
    text(maxChars)
      .refine((value) => !/\p{Cc}/u.test(value), {
        error: 'must not contain control characters',
        abort: true,
      })
      // A URL parser takes both for path navigation, percent-encoded too: nobody could ever ask for them.
      .refine((value) => value !== '.' && value !== '..', {
        error: 'must not be "." or "..", which no URL path can name',
        abort: true,
      })
  );
}

/** An id that is given from now on: what looks like another one by characters that do not show is refused. */
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
