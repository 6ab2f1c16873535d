import { encodeMessage, isQuestion, isWrongIfHint } from '@mgm/protocol';
import type {
  CreationQuestion as CreationMessage,
  GroupText,
  MfeRoute,
  NextHop,
  Question,
  RpfQuestion as RpfMessage,
  SessionId,
  SourceText,
  WrongIfHint as WrongIfMessage,
} from '@mgm/protocol';
import { interfaceKey, type InterfaceRef } from '../interfaces/refs.ts';
import { omitUndefined } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import { decodePushed } from '../rpc/messages.ts';
import type { HandlerTurn } from '../session/turn.ts';

interface FlowFields {
  readonly group: GroupText;
  readonly source: SourceText;
  readonly ifIndex: number;
  readonly nextHop: NextHop;
}

/** By which interface do packets of a new flow arrive? (nc-mgm-pmgm_rpf_callback) `ifIndex` and `nextHop` are those of the route. */
export interface RpfQuestion extends FlowFields {
  /** The upstream router of the route; absent for none. */
  readonly upstream?: NextHop | undefined;
  readonly route?: MfeRoute | undefined;
  /** Of the forwarding entry that is being created. */
  readonly incarnation: number;
  /** The header of a packet, if the forwarder sent it. */
  readonly header?: Uint8Array | undefined;
}

/** What is absent is as asked. An interface that the session does not own is ignored. */
export interface RpfAnswer {
  readonly ifIndex?: number | undefined;
  readonly nextHop?: string | number | undefined;
  readonly upstream?: string | number | undefined;
  readonly route?: MfeRoute | undefined;
}

/** A forwarding entry is being created that uses interfaces of the session (nc-mgm-pmgm_creation_alert_callback). */
export interface CreationQuestion extends FlowFields {
  readonly incarnation: number;
  /** The outgoing interfaces that the session owns. `igmp`: IGMP has members there, too. */
  readonly oifs: readonly {
    readonly ifIndex: number;
    readonly nextHop: NextHop;
    readonly igmp: boolean;
  }[];
}

/** Which of its outgoing interfaces the session does not want. */
export interface CreationAnswer {
  readonly disable?: readonly InterfaceRef[] | undefined;
}

/** Packets arrived on an interface of the session that is not the incoming one of their entry (nc-mgm-pmgm_wrong_if_callback). */
export interface WrongIfHint extends FlowFields {
  /** How many packets. */
  readonly count: number;
  readonly header?: Uint8Array | undefined;
}

type Answer<Fields> = Fields | void | Promise<Fields | void>;

/**
 * What a routing protocol decides about new forwarding entries. Questions do not queue behind alerts, but at most one handler
 * of a session runs at a time. A question that can't start within its deadline, by default 200 ms, is not answered, and one
 * that is answered late counts for little: keep all handlers of the session short. A handler that throws does not answer.
 */
export interface QuestionHandlers {
  /** Without an answer: the interface of the route. */
  readonly onRpf?: ((question: RpfQuestion) => Answer<RpfAnswer>) | undefined;
  /** Without an answer: all outgoing interfaces stay. */
  readonly onCreationAlert?: ((question: CreationQuestion) => Answer<CreationAnswer>) | undefined;
  /** A hint, which may be lost. Only of interfaces with the setting `wrongIf`. */
  readonly onWrongIf?: ((hint: WrongIfHint) => void | Promise<void>) | undefined;
}

/** Questions and hints that wait; further ones are not answered. */
const WAITING_MAX = 1_024;
const DEADLINE_MS = 200;

/** Answers the questions of managers to one session. */
export class Questions {
  readonly #context: Context;
  readonly #handlers: QuestionHandlers;
  readonly #turn: HandlerTurn;
  readonly #unsubscribe: (() => void)[] = [];
  #isOver = false;

  constructor(context: Context, session: SessionId, handlers: QuestionHandlers, turn: HandlerTurn) {
    this.#context = context;
    this.#handlers = handlers;
    this.#turn = turn;
    const { transport, subjects, router } = context;
    if (handlers.onRpf || handlers.onCreationAlert) {
      const onQuestion = ({ data, reply }: { data: Uint8Array; reply?: string | undefined }) =>
        void this.#asked(data, reply);
      this.#unsubscribe.push(transport.subscribe(subjects.ask(router, session), onQuestion));
    }
    if (handlers.onWrongIf) {
      const onHint = ({ data }: { data: Uint8Array }) => void this.#hinted(data);
      this.#unsubscribe.push(transport.subscribe(subjects.hint(router, session), onHint));
    }
  }

  /** The session is over: nothing is answered any more. */
  end(): void {
    this.#isOver = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #asked(data: Uint8Array, reply: string | undefined): Promise<void> {
    const question = decodePushed(data, isQuestion);
    if (!question || reply === undefined) return;
    const answer = await this.#inTurn(question.deadlineMs ?? DEADLINE_MS, question.type, () =>
      this.#answer(question),
    );
    if (!answer || this.#isOver || this.#context.transport.state !== 'up') return;
    this.#context.transport.publish(reply, encodeMessage(answer));
  }

  async #hinted(data: Uint8Array): Promise<void> {
    const hint = decodePushed(data, isWrongIfHint);
    if (!hint) return;
    await this.#inTurn(DEADLINE_MS, hint.type, async () => {
      await this.#handlers.onWrongIf?.(hintOf(hint));
      return undefined;
    });
  }

  /** `undefined` if it could not start in time, or its handler failed. */
  async #inTurn(
    startWithinMs: number,
    type: string,
    work: () => Promise<object | undefined>,
  ): Promise<object | undefined> {
    if (this.#turn.waiting >= WAITING_MAX) return undefined;
    const { clock, logger, router } = this.#context;
    const startByMono = clock.monoMs() + startWithinMs;
    return await this.#turn.run('question', async () => {
      if (this.#isOver || clock.monoMs() >= startByMono) return undefined;
      try {
        return await work();
      } catch (err) {
        logger.error({ router, type, err }, 'question handler failed');
        return undefined;
      }
    });
  }

  async #answer(question: Question): Promise<object | undefined> {
    const { onRpf, onCreationAlert } = this.#handlers;
    if (question.type === 'RPF') return rpfAnswer(question, await onRpf?.(rpfQuestion(question)));
    const { disable = [] } = (await onCreationAlert?.(creationQuestion(question))) ?? {};
    const interfaces = disable.map((ref) => interfaceKey(ref, {}));
    return { disable: interfaces.map(({ ifIndex, nextHop }) => [ifIndex, nextHop]) };
  }
}

function rpfQuestion(message: RpfMessage): RpfQuestion {
  const { group, source, ifIndex, nextHop, upstream, route, incarnation, header } = message;
  const optional = omitUndefined({ upstream, route, header });
  return { group, source, ifIndex, nextHop, incarnation, ...optional };
}

/** Throws `MgmError` for an answer without a valid interface. */
function rpfAnswer({ ifIndex: asked }: RpfMessage, answer: RpfAnswer | void): object {
  const { ifIndex = asked, nextHop, upstream, route } = answer ?? {};
  const isChosen = answer?.ifIndex !== undefined || nextHop !== undefined;
  const key = isChosen ? interfaceKey({ ifIndex, nextHop }, {}) : {};
  return { ...key, ...omitUndefined({ upstream, route }) };
}

function creationQuestion(message: CreationMessage): CreationQuestion {
  const { group, source, ifIndex, nextHop, incarnation, oifs } = message;
  return {
    ...{ group, source, ifIndex, nextHop, incarnation },
    oifs: oifs.map(([oif, hop, igmp]) => ({ ifIndex: oif, nextHop: hop, igmp })),
  };
}

function hintOf({ group, source, ifIndex, nextHop, count, header }: WrongIfMessage): WrongIfHint {
  return { group, source, ifIndex, nextHop, count, ...omitUndefined({ header }) };
}
