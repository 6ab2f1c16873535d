import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../../src/api.ts';

/** A request that failed. */
export class RequestError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

const WITHIN_MS = 15_000;

async function fetchJson<Value>(path: string, init: RequestInit): Promise<Value> {
  const limit = AbortSignal.timeout(WITHIN_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  const response = await fetch(`api/${path}`, { ...init, signal }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    const message = 'the console does not answer';
    throw new RequestError({ reason: 'unavailable', message, outcome: 'unknown' });
  });
  const body: unknown = await response.json().catch(() => ({}));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both sides are of one version: src/api.ts
  if (response.ok) return body as Value;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  const { reason = 'failed', message = response.statusText, ...rest } = body as Partial<Problem>;
  throw new RequestError({ ...rest, reason, message });
}

/** Reads from the server. Rejects with {@link RequestError}. */
export function get<Value>(path: string, signal?: AbortSignal): Promise<Value> {
  return fetchJson<Value>(path, signal ? { signal } : {});
}

/** Changes something. Rejects with {@link RequestError}. */
export function post<Value>(path: string, fields: object): Promise<Value> {
  const headers = { 'Content-Type': 'application/json' };
  return fetchJson<Value>(path, { method: 'POST', headers, body: JSON.stringify(fields) });
}

/** The state of a request that is repeated. */
export interface Polled<Value> {
  /** Of the last request that succeeded. */
  readonly value: Value | undefined;
  /** Of the last request, if it failed. */
  readonly problem: Problem | undefined;
  /** When the value arrived, on the clock of `performance.now`. */
  readonly atMono: number;
}

const NOTHING = { value: undefined, problem: undefined, atMono: 0 };

/** Requests a path now and every `everyMs` after the last reply, while the page is visible. Infinity: only once. */
export function usePolled<Value>(path: string | undefined, everyMs: number): Polled<Value> {
  const [polled, setPolled] = useState<Polled<Value>>(NOTHING);
  useEffect(() => {
    setPolled(NOTHING);
    if (path === undefined) return undefined;
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => {
      if (!over.signal.aborted && everyMs !== Infinity) timer = setTimeout(request, everyMs);
    };
    const request = (): void => {
      if (document.hidden) return again();
      get<Value>(path, over.signal)
        .then((value) => setPolled({ value, problem: undefined, atMono: performance.now() }))
        .catch((error: unknown) => {
          if (over.signal.aborted) return;
          const problem =
            error instanceof RequestError
              ? error.problem
              : { reason: 'failed', message: String(error) };
          setPolled((before) => ({ ...before, problem }));
        })
        .finally(again);
    };
    request();
    return () => {
      over.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return polled;
}
