import type { FlowResult, Reply, Request, RouterName } from '@mgm/protocol';
import type { Caller, FlowProgress, FlowQuestion, FlowStep, RequestTrace, Store } from '@mgm/store';
import type { FlowAnswers, FlowQuestioner } from './flow-questioner.ts';

/** How long, in ms, an answer is waited for. */
const DEADLINE_MS = 200;
/** The creation of an entry takes at most this long, in ms, of which the store needs a part. */
const TOTAL_MS = 500;
const STORE_MS = 80;
/** Below this, in ms, no session is asked any more. */
const WORTH_ASKING_MS = 20;
/** How often the creation begins again because something has changed. */
const AGAIN_MAX = 3;
/** Flows that go on in one call of the store. */
const STEPS_MAX = 256;

interface WaitingStep {
  readonly step: FlowStep;
  readonly resolve: (progress: FlowProgress) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * `flow.new`: creates forwarding entries, and asks their owners before. Nothing is kept here but the questions on their way: a
 * manager that crashes leaves marks that end by themselves. Forwarding contract, section 5.3.
 */
export class FlowCreation {
  readonly #store: Pick<Store, 'beginFlows' | 'continueFlows'>;
  readonly #questioner: FlowQuestioner;
  readonly #waiting = new Map<RouterName, WaitingStep[]>();

  constructor(store: Pick<Store, 'beginFlows' | 'continueFlows'>, questioner: FlowQuestioner) {
    this.#store = store;
    this.#questioner = questioner;
  }

  /**
   * Flows wait for their own questions only. Rejects with `StoreError`; flows of the request whose questions were decided before may
   * have been created by then, and are `known` to the next request.
   */
  async execute(
    router: RouterName,
    request: Request<'flow.new'>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<Reply<'flow.new'>> {
    const untilMono = performance.now() + TOTAL_MS - STORE_MS;
    const silent = this.#questioner.silent.of(router);
    const begun = await this.#store.beginFlows(router, request, silent, caller, trace);
    if (begun.kind === 'refused') return begun.reply;
    const { rev } = begun;
    const results = begun.flows.map(async (progress, at) => {
      if (progress.kind === 'decided') return progress.result;
      const flow = request.flows[at];
      const header = flow?.kind === 'flow' ? flow.header : undefined;
      return await this.#create(router, progress.question, untilMono, header);
    });
    return { status: 0, results: await Promise.all(results), rev };
  }

  async #create(
    router: RouterName,
    first: FlowQuestion,
    untilMono: number,
    header: Uint8Array | undefined,
  ): Promise<FlowResult> {
    let question = first;
    let answer: FlowAnswers['answer'];
    for (let again = 0; ;) {
      const leftMs = untilMono - performance.now();
      const isInTime = leftMs >= WORTH_ASKING_MS;
      const deadlineMs = Math.floor(Math.min(DEADLINE_MS, leftMs));
      const answers: FlowAnswers = isInTime
        ? await this.#questioner.ask(router, question, deadlineMs, header)
        : { vetoes: [] };
      answer = answers.answer ?? answer;
      const isLast = !isInTime || again >= AGAIN_MAX;
      const { vetoes } = answers;
      const progress = await this.#goOn(router, {
        question,
        vetoes,
        isLast,
        ...(answer && { answer }),
      });
      if (progress.kind === 'decided') return progress.result;
      const isAgain = progress.question.isRpf || !question.isRpf;
      if (isAgain) {
        again++;
        answer = undefined;
      }
      ({ question } = progress);
    }
  }

  /** Steps of one turn of the event loop share a call of the store. */
  #goOn(router: RouterName, step: FlowStep): Promise<FlowProgress> {
    const { promise, resolve, reject } = Promise.withResolvers<FlowProgress>();
    const waiting = this.#waiting.get(router) ?? [];
    if (waiting.length === 0) setImmediate(() => this.#flush(router));
    waiting.push({ step, resolve, reject });
    this.#waiting.set(router, waiting);
    return promise;
  }

  #flush(router: RouterName): void {
    const all = this.#waiting.get(router) ?? [];
    this.#waiting.delete(router);
    for (let at = 0; at < all.length; at += STEPS_MAX) {
      void this.#send(router, all.slice(at, at + STEPS_MAX));
    }
  }

  async #send(router: RouterName, steps: readonly WaitingStep[]): Promise<void> {
    const silent = this.#questioner.silent.of(router);
    try {
      const all = await this.#store.continueFlows(
        router,
        steps.map(({ step }) => step),
        silent,
      );
      for (const [at, { resolve, reject }] of steps.entries()) {
        const progress = all[at];
        if (progress === undefined) reject(new Error('a flow without an outcome'));
        else resolve(progress);
      }
    } catch (error) {
      for (const { reject } of steps) reject(error);
    }
  }
}
