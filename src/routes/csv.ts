/**
 * One line of CSV (RFC 4180), safe to open in a spreadsheet: a cell that would be taken for a
 * formula is led by an apostrophe (OWASP, "CSV Injection").
 */
export function toCsv(cells: unknown[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

function toCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
