import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CliConfig } from './settings.ts';
import { CliError, explain } from './terminal.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** How long one call of a command to DynamoDB may take. */
export const CALL_TIMEOUT_MS = 10_000;

/** Opens a client that gives up within seconds when DynamoDB cannot be reached. */
export function openClient(config: CliConfig): DynamoDBClient {
  const { region, endpoint, credentials } = config;
  return new DynamoDBClient({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

/** Turns an error of the SDK into one line that says what to look at. Our own errors stay as they are. */
export function explainClientError(error: unknown, config: CliConfig): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const where = config.endpoint ?? `DynamoDB in ${config.region}`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (error.name === 'CredentialsProviderError') {
    return new CliError(
      'There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment or .dev.vars, or choose a profile with AWS_PROFILE.',
    );
  }
  if (/^(E[A-Z_]+|(Timeout|Abort|RequestTimeout)Error?)$/.test(code)) {
    return new CliError(`The tables cannot be reached: no answer from ${where} (${code}).`);
  }
  if ('$fault' in error && error.message) {
    return new CliError(`${where} refused: ${error.name}: ${firstLine(error.message)}`);
  }
  return new CliError(`${where} did not answer as DynamoDB does (${firstLine(explain(error))}).`);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
