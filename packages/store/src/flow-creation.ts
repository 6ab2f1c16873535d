import {
  entryNamed,
  nameOfPrefix,
  prefixNamed,
  sessionId,
  type FlowElement,
  type FlowResult,
  type InterfaceKey,
  type MfeRoute,
  type NextHop,
  type RpfAnswer,
  type SessionId,
} from '@mgm/protocol';
import type {
  ArbiterArgs,
  FlowAsker as ScriptAsker,
  FlowOutcome,
  FlowQuestion as ScriptQuestion,
} from './generated/arbiter.ts';
import { interfaceName, interfaceOf, nextHopOf } from './names.ts';
import { resultOf } from './operations/flow-new.ts';

/** An outgoing interface of a question. */
export interface AskedInterface extends InterfaceKey {
  /** IGMP is there, too. */
  readonly igmp: boolean;
  /** The epoch of the hold. */
  readonly epoch: string;
}

/** Whom to ask about the creation of a forwarding entry. */
export interface FlowAsker {
  readonly client: number;
  readonly session: SessionId;
  readonly identity: string | undefined;
  readonly oifs: readonly AskedInterface[];
}

/** What to ask before a forwarding entry is created. Forwarding contract, section 5.4. */
export interface FlowQuestion {
  readonly name: string;
  readonly incarnation: number;
  readonly isRpf: boolean;
  /** Of the state on which the question is based. */
  readonly seen: string;
  readonly iif: InterfaceKey;
  readonly upstream: NextHop;
  readonly route: MfeRoute;
  readonly askers: readonly FlowAsker[];
}

/** An interface that an answer disables. */
export interface Veto {
  readonly client: number;
  readonly epoch: string;
  readonly interface: InterfaceKey;
}

/** How to go on after a question. */
export interface FlowStep {
  readonly question: FlowQuestion;
  /** The answer to the RPF question, and the session that gave it. */
  readonly answer?: RpfAnswer & { readonly session: SessionId };
  readonly vetoes: readonly Veto[];
  /** Create the entry whatever has changed. */
  readonly isLast: boolean;
}

/** A flow is decided, or sessions are to be asked. */
export type FlowProgress =
  | { readonly kind: 'decided'; readonly result: FlowResult }
  | { readonly kind: 'asking'; readonly question: FlowQuestion };

const UPSTREAM_GIVEN = 1;
const ROUTE_GIVEN = 2;

export function progressOf(flow: FlowElement, outcome: FlowOutcome | undefined): FlowProgress {
  if (outcome?.kind === 'asking' && flow.kind === 'flow') {
    return { kind: 'asking', question: questionOf(flow.name, outcome.question) };
  }
  return { kind: 'decided', result: resultOf(flow, outcome) };
}

function questionOf(name: string, asked: ScriptQuestion): FlowQuestion {
  const { incarnation, isRpf, seen, iif, neighbour, prefix, routeProtocol, askers } = asked;
  const route = { ...prefixNamed(prefix), protocolId: routeProtocol };
  const upstream = nextHopOf(neighbour);
  return { name, incarnation, isRpf, seen, iif, upstream, route, askers: askers.map(askerOf) };
}

function askerOf({ client, session, identity, oifs }: ScriptAsker): FlowAsker {
  const listed = oifs === '' ? [] : oifs.split(',').map(askedInterface);
  return { client, session: sessionId(session), identity, oifs: listed };
}

function askedInterface(text: string): AskedInterface {
  const [name = '', igmp, epoch = ''] = text.split(' ');
  return { ...interfaceOf(name), igmp: igmp === '1', epoch };
}

/** The arguments of `flow_answered`. */
export function stepArgs(
  steps: readonly FlowStep[],
  silent: readonly SessionId[],
): ArbiterArgs['flow_answered'] {
  return {
    names: steps.map(({ question }) => question.name),
    incarnations: steps.map(({ question }) => question.incarnation),
    rpf: steps.map(({ question }) => (question.isRpf ? 1 : 0)),
    seen: steps.map(({ question }) => question.seen),
    last: steps.map(({ isLast }) => (isLast ? 1 : 0)),
    answerers: steps.map(({ answer }) => answer?.session ?? 0),
    iifs: steps.map(({ answer }) => (answer?.iif ? interfaceName(answer.iif) : '')),
    given: steps.map(({ answer }) => givenBy(answer)),
    upstreams: steps.map(({ answer }) => answer?.upstream ?? ''),
    prefixes: steps.map(({ answer }) => (answer?.route ? nameOfPrefix(answer.route) : '')),
    protocols: steps.map(({ answer }) => answer?.route?.protocolId ?? 0),
    vetoes: steps.map(({ vetoes }) => vetoText(vetoes)),
    silent,
  };
}

function givenBy(answer: RpfAnswer | undefined): number {
  const upstream = answer?.upstream === undefined ? 0 : UPSTREAM_GIVEN;
  return upstream + (answer?.route === undefined ? 0 : ROUTE_GIVEN);
}

export function vetoText(vetoes: readonly Veto[]): string {
  return vetoes
    .map(({ client, epoch, interface: on }) => `${client} ${epoch} ${interfaceName(on)}`)
    .join(',');
}

/** The group and source of a question. */
export function flowOfQuestion({ name }: FlowQuestion): ReturnType<typeof entryNamed> {
  return entryNamed(name);
}
