/** What spreadsheets ignore at the start of a cell: blanks, controls, and invisible characters. */
const LEADING = '[\\s\\p{C}\\p{Default_Ignorable_Code_Point}\\u2800]*';

/** A cell that some spreadsheet takes for a formula. */
const FORMULA = new RegExp(`^(?:[\\t\\r\\n]|${LEADING}[=+\\-@])`, 'u');

/**
 * One line of CSV (RFC 4180) that is safe to open in a spreadsheet: an apostrophe is put in front of a cell
 * that would be taken for a formula (OWASP, "CSV Injection").
 */
export function toCsv(cells: unknown[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/** Whether some spreadsheet takes a text for a formula. Full-width, small and raised signs count as plain ones. */
const isFormula = (text: string) => FORMULA.test(text.normalize('NFKD'));

function toCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
