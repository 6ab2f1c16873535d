import type { RouterName } from '@mgm/protocol';

/** The trace of a request. The store only hands it from `execute` to its {@link BatchTracer}. */
export type RequestTrace = object;

/** Traces calls of the arbiter. Must be cheap and must not throw. */
export interface BatchTracer {
  /**
   * A batch is sent. Called only if some of its requests are traced.
   *
   * @returns called when the batch has its reply, or with the code of its error
   */
  called(
    router: RouterName,
    operations: number,
    requests: readonly [RequestTrace, ...RequestTrace[]],
  ): (failure?: string) => void;
}

/** Begins the trace of a batch; `undefined` if none of its requests is traced. */
export function startTrace(
  tracer: BatchTracer,
  router: RouterName,
  batch: readonly { readonly trace: RequestTrace | undefined }[],
): ((failure?: string) => void) | undefined {
  const [first, ...others] = batch.flatMap(({ trace }) => trace ?? []);
  return first && tracer.called(router, batch.length, [first, ...others]);
}
