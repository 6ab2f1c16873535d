import {
  encodeMessage,
  readCreationAnswer,
  readRpfAnswer,
  type InterfaceKey,
  type Question,
  type RouterName,
  type RpfAnswer,
  type SessionId,
  type Subjects,
} from '@mgm/protocol';
import {
  flowOfQuestion,
  type FlowAsker,
  type FlowQuestion,
  type Store,
  type Veto,
} from '@mgm/store';
import type { AskOutcome, Bus } from './bus.ts';
import type { Metrics } from './health/metrics.ts';
import { SilentSessions } from './silent-sessions.ts';

export interface FlowQuestionerParts {
  readonly bus: Pick<Bus, 'request'>;
  readonly store: Pick<Store, 'vetoFlow'>;
  readonly subjects: Subjects;
  readonly metrics: Metrics;
}

/** How long, in ms, a late answer about outgoing interfaces still counts. */
const LATE_MS = 60_000;

/** Questions whose late answers are waited for at the same time; of more, late answers are dropped. */
const LATE_MAX = 1024;

/** Questions that are waited for at the same time; others count as not answered. */
const OPEN_MAX = 4096;

/** The answers to a question, as far as they came in time. */
export interface FlowAnswers {
  readonly answer?: RpfAnswer & { readonly session: SessionId };
  readonly vetoes: readonly Veto[];
}

const NO_ANSWER: FlowAnswers = { vetoes: [] };

/** Sends questions about the creation of forwarding entries, and reads their answers. Forwarding contract, section 5.4. */
export class FlowQuestioner {
  readonly silent = new SilentSessions();
  readonly #parts: FlowQuestionerParts;
  #open = 0;
  #late = 0;

  constructor(parts: FlowQuestionerParts) {
    this.#parts = parts;
  }

  /** Asks all sessions that a question is for, in parallel. Resolves with the answers after at most `deadlineMs`; never rejects. */
  async ask(
    router: RouterName,
    question: FlowQuestion,
    deadlineMs: number,
    header?: Uint8Array,
  ): Promise<FlowAnswers> {
    if (question.isRpf) return await this.#askOwner(router, question, deadlineMs, header);
    const all = question.askers.map((asker) =>
      this.#askVetoes(router, question, asker, deadlineMs),
    );
    return { vetoes: (await Promise.all(all)).flat() };
  }

  async #askOwner(
    router: RouterName,
    question: FlowQuestion,
    deadlineMs: number,
    header: Uint8Array | undefined,
  ): Promise<FlowAnswers> {
    const [asker] = question.askers;
    if (asker === undefined) return NO_ANSWER;
    const { upstream, route } = question;
    const fields = { upstream, route, ...(header && { header }) };
    const message = { type: 'RPF' as const, ...about(question, deadlineMs), ...fields };
    const outcome = await this.#send(router, asker, message, deadlineMs, deadlineMs).inTime;
    const answer = outcome.kind === 'answered' ? readRpfAnswer(outcome.data) : undefined;
    return answer ? { answer: { ...answer, session: asker.session }, vetoes: [] } : NO_ANSWER;
  }

  async #askVetoes(
    router: RouterName,
    question: FlowQuestion,
    asker: FlowAsker,
    deadlineMs: number,
  ): Promise<readonly Veto[]> {
    const oifs = asker.oifs.map(({ ifIndex, nextHop, igmp }) => [ifIndex, nextHop, igmp] as const);
    const message = { type: 'CREATION_ALERT' as const, ...about(question, deadlineMs), oifs };
    const lateMs = this.#late < LATE_MAX ? LATE_MS : deadlineMs;
    const sent = this.#send(router, asker, message, deadlineMs, lateMs);
    const outcome = await sent.inTime;
    if (outcome.kind === 'answered') return vetoesOf(asker, readCreationAnswer(outcome.data) ?? []);
    if (outcome.kind === 'unanswered' && lateMs > deadlineMs) {
      void this.#vetoLate(router, question, asker, sent.atLast);
    }
    return [];
  }

  /** A late answer acts as FORWARD. If the store does not answer, it is lost as a late answer may be. */
  async #vetoLate(
    router: RouterName,
    question: FlowQuestion,
    asker: FlowAsker,
    atLast: Promise<AskOutcome>,
  ): Promise<void> {
    this.#late++;
    try {
      const outcome = await atLast;
      if (outcome.kind !== 'answered') return;
      const vetoes = vetoesOf(asker, readCreationAnswer(outcome.data) ?? []);
      if (vetoes.length > 0) await this.#parts.store.vetoFlow(router, question, vetoes);
    } catch {
      // The session sees in `oifs` that the interface is still on.
    } finally {
      this.#late--;
    }
  }

  #send(
    router: RouterName,
    { session, identity }: FlowAsker,
    message: Question,
    deadlineMs: number,
    lateMs: number,
  ): { readonly inTime: Promise<AskOutcome>; readonly atLast: Promise<AskOutcome> } {
    const { bus, subjects } = this.#parts;
    if (this.#open >= OPEN_MAX) return { inTime: UNANSWERED, atLast: UNANSWERED };
    this.#open++;
    const subject = subjects.ask(router, session, identity);
    const atLast = bus.request(subject, encodeMessage(message), lateMs);
    const inTime = inTimeOf(atLast, deadlineMs).then((outcome) => {
      this.#open--;
      this.#parts.metrics.questions.inc({ type: message.type, result: outcome.kind });
      this.silent.note(router, session, outcome.kind === 'unanswered');
      return outcome;
    });
    return { inTime, atLast };
  }
}

const UNANSWERED: Promise<AskOutcome> = Promise.resolve({ kind: 'unanswered' });

function inTimeOf(outcome: Promise<AskOutcome>, ms: number): Promise<AskOutcome> {
  const { promise, resolve } = Promise.withResolvers<AskOutcome>();
  const timer = setTimeout(() => resolve({ kind: 'unanswered' }), ms);
  void outcome.then((one) => {
    clearTimeout(timer);
    resolve(one);
  });
  return promise;
}

function about(question: FlowQuestion, deadlineMs: number) {
  const { ifIndex, nextHop } = question.iif;
  const { incarnation } = question;
  return { ...flowOfQuestion(question), ifIndex, nextHop, incarnation, deadlineMs };
}

/** The interfaces that the session was asked about; others it may not disable. */
function vetoesOf({ client, oifs }: FlowAsker, disabled: readonly InterfaceKey[]): Veto[] {
  const isDisabled = (on: InterfaceKey) =>
    disabled.some(({ ifIndex, nextHop }) => ifIndex === on.ifIndex && nextHop === on.nextHop);
  return oifs
    .filter(isDisabled)
    .map(({ ifIndex, nextHop, epoch }) => ({ client, epoch, interface: { ifIndex, nextHop } }));
}
