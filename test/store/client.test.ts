import { describe, expect, test } from 'vitest';
import {
  ConditionFailedError,
  callTables,
  StoreUnavailableError,
  verdictOf,
} from '../../src/store/client.ts';

/** An error as the SDK throws it. */
const thrown = (name: string, status?: number, reasons?: string[]) =>
  Object.assign(new Error(name), {
    name,
    ...(status === undefined ? {} : { $fault: status < 500 ? 'client' : 'server' }),
    $metadata: { httpStatusCode: status },
    ...(reasons ? { CancellationReasons: reasons.map((Code) => ({ Code })) } : {}),
  });

const cancelled = (...reasons: string[]) => thrown('TransactionCanceledException', 400, reasons);

describe('what a failure means', () => {
  test.for([
    [thrown('ThrottlingException', 400), 'busy'],
    [thrown('ProvisionedThroughputExceededException', 400), 'busy'],
    [thrown('RequestLimitExceeded', 400), 'busy'],
    [thrown('TransactionConflictException', 400), 'busy'],
    [cancelled('None', 'TransactionConflict'), 'busy'],
    [cancelled('None', 'ThrottlingError', 'ProvisionedThroughputExceeded'), 'busy'],
    // The fence decides, whatever else was wrong.
    [cancelled('ConditionalCheckFailed', 'TransactionConflict'), 'condition'],
    [thrown('ConditionalCheckFailedException', 400), 'condition'],
    [cancelled('None', 'ValidationError'), 'defect'],
    [cancelled(), 'defect'],
    [thrown('ValidationException', 400), 'defect'],
    [thrown('IdempotentParameterMismatchException', 400), 'defect'],
    [thrown('AccessDeniedException', 400), 'misconfigured'],
    [thrown('ResourceNotFoundException', 400), 'misconfigured'],
    [thrown('ExpiredTokenException', 400), 'misconfigured'],
    [thrown('TransactionInProgressException', 400), 'uncertain'],
    [thrown('InternalServerError', 500), 'uncertain'],
    [thrown('ServiceUnavailable', 503), 'uncertain'],
    [thrown('TypeError'), 'uncertain'],
    [thrown('AbortError'), 'uncertain'],
    // An answer that cannot be read says nothing about the write.
    [thrown('SyntaxError', 200), 'uncertain'],
    [Object.assign(thrown('SyntaxError', 400), { $fault: undefined }), 'uncertain'],
  ] as const)('%o is %s', ([error, verdict]) => {
    expect(verdictOf(error)).toBe(verdict);
  });
});

describe('persisting', () => {
  const within = (ms: number) => ({ deadline: Date.now() + ms, timeoutMs: 50 });

  /** Throws these, one after the other, and then answers. */
  const failing = (...errors: Error[]) => {
    const rest = [...errors];
    return async () => {
      const error = rest.shift();
      if (error) throw error;
      return 'done';
    };
  };

  test('goes on through temporary errors', async () => {
    const call = failing(thrown('TypeError'), thrown('ThrottlingException', 400), thrown('x', 500));
    expect(await callTables(call, within(2_000))).toBe('done');
  });

  test('gives up at the deadline, and says whether a write may have been applied', async () => {
    const always = (error: Error) => () => Promise.reject(error);
    const busy = callTables(always(thrown('ThrottlingException', 400)), within(300));
    await expect(busy).rejects.toMatchObject({ isUncertain: false });
    const lost = callTables(always(thrown('TypeError')), within(300));
    await expect(lost).rejects.toMatchObject({ isUncertain: true });
    await expect(lost).rejects.toThrow(StoreUnavailableError);
  });

  test('after a lost attempt the result is uncertain, whatever is answered later', async () => {
    const call = failing(thrown('TypeError'), thrown('AccessDeniedException', 400));
    await expect(callTables(call, within(2_000))).rejects.toMatchObject({ isUncertain: true });
  });

  test('a condition that fails is final', async () => {
    const call = failing(thrown('TypeError'), cancelled('ConditionalCheckFailed'));
    await expect(callTables(call, within(2_000))).rejects.toThrow(ConditionFailedError);
  });

  test('a defect is thrown as it is, at once', async () => {
    const defect = thrown('ValidationException', 400);
    await expect(callTables(failing(defect), within(2_000))).rejects.toBe(defect);
  });

  test('an attempt that hangs is cut short', async () => {
    const start = Date.now();
    const call = ({ abortSignal }: { abortSignal: AbortSignal }) =>
      new Promise<never>((_, reject) => {
        abortSignal.addEventListener('abort', () => reject(abortSignal.reason));
      });
    await expect(callTables(call, within(400))).rejects.toThrow(StoreUnavailableError);
    expect(Date.now() - start).toBeLessThan(1_000);
  });
});
