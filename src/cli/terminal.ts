import { AppError } from '../errors.ts';

/** An error that the person at the terminal can correct. Its message says all that they need. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** Writes a line to stdout. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a line to stderr. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whether Node refused the arguments of a command. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^ERR_PARSE_ARGS/.test(String(error.code));
}

/**
 * A failure in words for a person, without a stack trace. A defect is named with its class.
 */
export function explain(error: unknown): string {
  if (error instanceof CliError || error instanceof AppError) return error.message;
  if (isArgumentError(error)) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/**
 * Runs a command to its end and leaves the process with its exit code; a failure is one message
 * on stderr and another exit code. It exits outright: a socket or timer left over must not hold it.
 *
 * @param usage how the command is called; said for `--help`, and for arguments that it does not take
 * @param failure the exit code of a failure
 */
export async function runCommand(
  command: () => Promise<number>,
  usage?: string,
  failure = 1,
): Promise<never> {
  if (usage && process.argv.includes('--help')) {
    say(`Usage: ${usage}`);
    process.exit(0);
  }
  try {
    process.exit(await command());
  } catch (error) {
    complain(
      usage && isArgumentError(error)
        ? `${explain(error).split('. ', 1)[0]}. Usage: ${usage}`
        : explain(error),
    );
    process.exit(failure);
  }
}
