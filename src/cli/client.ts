import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CliConfig } from './settings.ts';
import { CliError, explain } from './terminal.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Opens a client that gives up on what cannot be reached within seconds. */
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

/** Turns what the SDK throws into one line that says what to look at; leaves our own errors alone. */
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
