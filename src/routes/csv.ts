/** What spreadsheets leave out in front of a cell: blanks, controls, and characters that do not show. */
const LEADING = '[\\s\\p{C}\\p{Default_Ignorable_Code_Point}\\u2800]*';

/** A cell that some spreadsheet would take for a formula. */
const FORMULA = new RegExp(`^(?:[\\t\\r\\n]|${LEADING}[=+\\-@])`, 'u');

/**
 * One line of CSV (RFC 4180), safe to open in a spreadsheet: a cell that would be taken for a
 * formula is led by an apostrophe (OWASP, "CSV Injection").
 */
export function toCsv(cells: unknown[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/** Whether a text is a formula to somebody: full-width, small and raised signs count as the plain ones. */
const isFormula = (text: string) => FORMULA.test(text.normalize('NFKD'));

function toCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
