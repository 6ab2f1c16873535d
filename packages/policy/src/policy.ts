import {
  OPERATIONS,
  operationsWith,
  type InterfaceKey,
  type OperationName,
  type RouterName,
} from '@mgm/protocol';
import { readPolicyDocument, type PolicyDocument } from './document.ts';
import { rangeTest, type RangeTest } from './interface-range.ts';

/** What a policy is asked about a request: its sender, and the fields that rules look at. */
export interface PolicyQuestion {
  /** The subject token by which NATS vouches for the sender. */
  readonly identity: string;
  readonly router: RouterName;
  readonly operation: OperationName;
  /** The pair of a `register`. */
  readonly client?: { readonly protocolId: number; readonly componentId: number } | undefined;
  /** The interfaces of a `take`. */
  readonly interfaces?: readonly InterfaceKey[] | undefined;
}

/** A permission, or a refusal whose message names the rule that comes closest. */
export type PolicyDecision =
  | {
      readonly kind: 'permitted';
      /** The rule that permits it. */
      readonly rule: string;
      /** Whether the rule lets the sender take over sessions of other identities. */
      readonly takeover: boolean;
      /** Positions in `interfaces` that no rule permits; the others are permitted. */
      readonly refusedInterfaces: readonly number[];
    }
  | { readonly kind: 'refused'; readonly message: string };

/** Upper bounds for all that one identity does on one router; absent ones are unlimited. */
export interface Quota {
  /** Live and stale sessions. */
  readonly sessions?: number | undefined;
  /** Interfaces that these sessions are on. */
  readonly interfaces?: number | undefined;
  /** Bytes of the replies kept for these sessions until they are acknowledged. */
  readonly keptBytes?: number | undefined;
  /** Requests to one manager. */
  readonly requestsPerSecond?: number | undefined;
}

interface Rule {
  readonly name: string;
  readonly takeover: boolean;
  readonly servesRouter: (router: string) => boolean;
  readonly operations: ReadonlySet<OperationName>;
  readonly servesClient: (client: { protocolId: number; componentId: number }) => boolean;
  /** Absent: every interface. */
  readonly ranges: readonly RangeTest[] | undefined;
}

const NO_QUOTA: Quota = {};

/** The rules of an identity for an operation on a router, or why there are none. */
type Candidates = { readonly forOperation: readonly Rule[] } | { readonly refused: string };

/** More candidates than this are forgotten and found again. */
const KEPT_MAX = 10_000;

/** Who may do what. Immutable: a changed file is a new policy. */
export class Policy {
  readonly #rules: ReadonlyMap<string, readonly Rule[]>;
  readonly #quotas: ReadonlyMap<string, Quota>;
  readonly #kept = new Map<string, Candidates>();

  private constructor(document: PolicyDocument) {
    const { groups } = document;
    this.#rules = byIdentity(groups, document.rules, compileRule);
    const quotas = byIdentity<PolicyDocument['quotas'][number], Quota>(
      groups,
      document.quotas,
      ({ identities: _, ...quota }) => quota,
    );
    this.#quotas = new Map([...quotas].map(([identity, [first = NO_QUOTA]]) => [identity, first]));
  }

  /**
   * Compiles the text of a policy file.
   *
   * @throws {PolicyError} with every problem of the file
   */
  static parse(text: string): Policy {
    return new Policy(readPolicyDocument(text));
  }

  /** Whether the identity may make the request. The first rule that permits it decides. */
  decide(question: PolicyQuestion): PolicyDecision {
    const { identity, router, operation, client, interfaces = [] } = question;
    const found = this.#rulesFor(identity, router, operation);
    if ('refused' in found) return refused(found.refused);
    const { forOperation } = found;
    const forClient = forOperation.filter(
      (rule) => client === undefined || rule.servesClient(client),
    );
    const [first] = forClient;
    if (first === undefined) {
      const pair = `(protocol ${client?.protocolId}, component ${client?.componentId})`;
      return refused(
        `no rule of ${identity} (${namesOf(forOperation)}) permits the client ${pair}`,
      );
    }
    const refusedInterfaces = interfaces.flatMap((key, at) =>
      forClient.some((rule) => permitsInterface(rule, key)) ? [] : [at],
    );
    const takeover = forClient.find((rule) => rule.takeover);
    return {
      kind: 'permitted',
      rule: (takeover ?? first).name,
      takeover: takeover !== undefined,
      refusedInterfaces,
    };
  }

  /** The rules that look at the request's fields. Kept, since a request of the same kind follows soon. */
  #rulesFor(identity: string, router: RouterName, operation: OperationName): Candidates {
    const key = `${identity} ${router} ${operation}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    const found = this.#findRules(identity, router, operation);
    this.#kept.set(key, found);
    return found;
  }

  #findRules(identity: string, router: RouterName, operation: OperationName): Candidates {
    const rules = this.#rules.get(identity);
    if (rules === undefined) return { refused: `no rule names the identity ${identity}` };
    const onRouter = rules.filter((rule) => rule.servesRouter(router));
    if (onRouter.length === 0) {
      return { refused: `no rule of ${identity} (${namesOf(rules)}) is for router ${router}` };
    }
    const forOperation = onRouter.filter((rule) => rule.operations.has(operation));
    if (forOperation.length === 0) {
      return { refused: `no rule of ${identity} (${namesOf(onRouter)}) permits ${operation}` };
    }
    return { forOperation };
  }

  /** The quota of an identity: that of the first entry of `quotas` that names it. */
  quotaOf(identity: string): Quota {
    return this.#quotas.get(identity) ?? NO_QUOTA;
  }
}

function refused(message: string): PolicyDecision {
  return { kind: 'refused', message };
}

function namesOf(rules: readonly Rule[]): string {
  const [first, ...rest] = rules.map(({ name }) => `rule "${name}"`);
  return rest.length === 0 ? String(first) : `${first} and ${rest.length} more`;
}

function permitsInterface({ ranges }: Rule, key: InterfaceKey): boolean {
  return ranges === undefined || ranges.some((isIn) => isIn(key));
}

/** Entries by each identity that they name, directly or as a member of a group; in the order of the file. */
function byIdentity<Entry extends { readonly identities: readonly string[] }, Compiled>(
  groups: PolicyDocument['groups'],
  entries: readonly Entry[],
  compile: (entry: Entry) => Compiled,
): Map<string, Compiled[]> {
  const found = new Map<string, Compiled[]>();
  for (const entry of entries) {
    const compiled = compile(entry);
    const members = entry.identities.flatMap((name) => groups[name] ?? [name]);
    for (const identity of new Set(members)) {
      const list = found.get(identity) ?? [];
      found.set(identity, list);
      list.push(compiled);
    }
  }
  return found;
}

function compileRule(rule: PolicyDocument['rules'][number]): Rule {
  const { name, takeover, routers, protocols, interfaces } = rule;
  const exact = new Set(routers.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = routers
    .filter((pattern) => pattern.endsWith('*'))
    .map((text) => text.slice(0, -1));
  return {
    name,
    takeover,
    servesRouter: (router) =>
      exact.has(router) || beginnings.some((text) => router.startsWith(text)),
    operations: new Set(rule.operations.flatMap(operationsOf)),
    servesClient: ({ protocolId, componentId }) =>
      protocols === undefined ||
      protocols.some(
        (pair) =>
          pair.protocolId === protocolId && (pair.componentId ?? componentId) === componentId,
      ),
    ranges: interfaces?.map(rangeTest),
  };
}

function operationsOf(
  name: PolicyDocument['rules'][number]['operations'][number],
): OperationName[] {
  switch (name) {
    case 'read':
      return [...operationsWith('reads')];
    case 'admin':
      return OPERATIONS.filter(isAdmin);
    case 'worker':
      return OPERATIONS.filter((operation) => !isAdmin(operation));
    default:
      return [name];
  }
}

function isAdmin(operation: OperationName): boolean {
  return operation.startsWith('admin.');
}
