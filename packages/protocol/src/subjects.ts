import type { MembershipEventType } from './events.ts';
import type { OperationName } from './operations/table.ts';
import { isRouterName, type RouterName, type SessionId } from './ids.ts';

/** The queue group of all managers: any replica may answer any request. Wire contract section 1. */
export const QUEUE_GROUP = 'mgm-manager';

/** The name of managers in the NATS services protocol. */
export const SERVICE_NAME = 'mgm-manager';

/** The prefix of all subjects unless another one is configured. */
export const DEFAULT_PREFIX = 'mgm.v1';

/** Tokens of printable ASCII without wildcards. */
const REPLY_SUBJECT = /^[!-)+-\-/-=?-~]+(\.[!-)+-\-/-=?-~]+)*$/;

const PREFIX = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** What an identity is: one subject token. */
const IDENTITY = /^[A-Za-z0-9_-]{1,64}$/;

/** In front of the subjects on which NATS vouches for the sender: `as.<identity>.`. */
const AS = 'as';

/** Every subject of the contract under one prefix. Subjects are built and parsed only here. */
export interface Subjects {
  readonly prefix: string;
  /** The subject of a request. */
  operation(router: RouterName, operation: OperationName): string;
  /** The subscription of managers, in {@link QUEUE_GROUP}. */
  anyRouter(operation: OperationName): string;
  /** `identity`: of the session, where managers identify callers. */
  callback(router: RouterName, session: SessionId, identity?: string): string;
  /** Where managers ask a session. `identity` as for {@link callback}. */
  ask(router: RouterName, session: SessionId, identity?: string): string;
  event(router: RouterName, type: string): string;
  /** The subscription to all events of a router. */
  allEvents(router: RouterName): string;
  membership(router: RouterName, type: MembershipEventType): string;
  /** The subscription to all membership events of a router. */
  allMemberships(router: RouterName): string;
  /** Where changes of forwarding entries are published. */
  mfe(router: RouterName): string;
  /** Where managers send hints to a session. `identity` as for {@link callback}. */
  hint(router: RouterName, session: SessionId, identity?: string): string;
  head(router: RouterName): string;
  /** The subscription to the heads of all routers. */
  readonly allHeads: string;
  /** The router of a subject under this prefix, or `undefined` if its token is not a router name. */
  routerOf(subject: string): RouterName | undefined;
}

/** The same, and what only managers need. */
export interface ManagerSubjects extends Subjects {
  /** Where managers tell each other which store they use. Its second token is not a router name. */
  readonly presence: string;
  /** The identity for which NATS vouches; `undefined` where managers do not identify callers, or for no identity. */
  identityOf(subject: string): string | undefined;
  /**
   * Whether a manager may reply to this subject: one that every encoding of the NATS protocol leaves as it is, and on which
   * no client expects messages of a manager other than replies. Wire contract, section 8.
   */
  isReplySubject(subject: string): boolean;
}

/**
 * Throws `RangeError` for a prefix that would not be literal subject tokens. `isIdentified`: for managers that receive requests on
 * `as.<identity>.<subject>` and publish callbacks there.
 */
export function subjectsUnder(prefix: string = DEFAULT_PREFIX, isIdentified = false): Subjects {
  if (!PREFIX.test(prefix) || prefix.length > 128) {
    throw new RangeError(
      `prefix ${JSON.stringify(prefix)}: must be tokens of A-Z a-z 0-9 _ - joined by dots, at most 128 characters`,
    );
  }
  const start = prefix.length + 1;
  /** The subject without identity. */
  const plain = (subject: string): string =>
    isIdentified ? subject.slice(subject.indexOf('.', AS.length + 1) + 1) : subject;
  return {
    prefix,
    operation: (router, operation) => `${prefix}.${router}.${operation}`,
    anyRouter: (operation) => `${isIdentified ? `${AS}.*.` : ''}${prefix}.*.${operation}`,
    callback: (router, session, identity) =>
      `${identity === undefined ? '' : `${AS}.${identity}.`}${prefix}.${router}.callback.${session}`,
    ask: (router, session, identity) =>
      `${identity === undefined ? '' : `${AS}.${identity}.`}${prefix}.${router}.ask.${session}`,
    event: (router, type) => `${prefix}.${router}.event.${type}`,
    allEvents: (router) => `${prefix}.${router}.event.*`,
    membership: (router, type) => `${prefix}.${router}.membership.${type}`,
    allMemberships: (router) => `${prefix}.${router}.membership.*`,
    mfe: (router) => `${prefix}.${router}.mfe`,
    hint: (router, session, identity) =>
      `${identity === undefined ? '' : `${AS}.${identity}.`}${prefix}.${router}.hint.${session}`,
    head: (router) => `${prefix}.${router}.head`,
    allHeads: `${prefix}.*.head`,
    routerOf: (subject) => {
      const own = plain(subject);
      const end = own.indexOf('.', start);
      const token = own.slice(start, end < 0 ? undefined : end);
      return isRouterName(token) ? token : undefined;
    },
  };
}

/** As {@link subjectsUnder}, for a manager. */
export function managerSubjects(
  prefix: string = DEFAULT_PREFIX,
  isIdentified = false,
): ManagerSubjects {
  return {
    ...subjectsUnder(prefix, isIdentified),
    presence: `${prefix}.$manager.presence`,
    identityOf: (subject) => {
      const [as, identity = ''] = isIdentified ? subject.split('.', 2) : [];
      return as === AS && IDENTITY.test(identity) ? identity : undefined;
    },
    isReplySubject: (subject) =>
      REPLY_SUBJECT.test(subject) &&
      subject !== prefix &&
      !subject.startsWith(`${prefix}.`) &&
      !(isIdentified && subject.startsWith(`${AS}.`)),
  };
}
