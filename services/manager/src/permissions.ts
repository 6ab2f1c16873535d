import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import {
  refusal,
  type InterfaceKey,
  type OperationName,
  type RefusalFields,
  type RouterName,
} from '@mgm/protocol';
import { Policy, PolicyError, type PolicyQuestion } from '@mgm/policy';
import type { Caller } from '@mgm/store';
import type { Logger } from 'pino';
import { ConfigError } from './config/config-error.ts';

/** How often to look whether the policy file changed. */
const WATCH_EVERY_MS = 1000;
/** Buckets of identities that sent nothing for so long are dropped. */
const IDLE_MS = 60_000;

/** What the policy says about a request. */
export type Permission =
  | { readonly kind: 'permitted'; readonly caller: Caller }
  /** `caller` is present where the attempt belongs into the operator log. */
  | { readonly kind: 'refused'; readonly refused: RefusalFields; readonly caller?: Caller };

/** The fields of a parsed request that rules look at. */
interface Fields {
  readonly deadlineMs?: number | undefined;
  readonly protocolId?: number | undefined;
  readonly componentId?: number | undefined;
  readonly targets?: readonly InterfaceKey[];
}

/** Reads the policy file, if there is one. @throws {ConfigError} if it cannot be used */
export function checkPolicy(file: string): void {
  if (file !== '') readPolicy(file);
}

/**
 * Decides what identities may do: by the policy file or, if there is none, everything except to take over sessions of other
 * identities. The file is read again when it changes and on SIGHUP; a file that cannot be used leaves the policy as it was.
 */
export class Permissions implements Disposable {
  readonly #file: string;
  readonly #log: Logger;
  readonly #buckets = new Map<string, Bucket>();
  readonly #reload = (): void => this.#read();
  #policy: Policy | undefined;

  /** @throws {ConfigError} for a file that cannot be used at the start */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
    if (file === '') return;
    this.#policy = readPolicy(file);
    watchFile(file, { interval: WATCH_EVERY_MS, persistent: false }, this.#reload);
    process.on('SIGHUP', this.#reload);
  }

  [Symbol.dispose](): void {
    if (this.#file === '') return;
    unwatchFile(this.#file, this.#reload);
    process.off('SIGHUP', this.#reload);
  }

  /** Whether the identity may make this request now. */
  check(
    identity: string,
    router: RouterName,
    operation: OperationName,
    request: Fields,
  ): Permission {
    const policy = this.#policy;
    if (policy === undefined) return { kind: 'permitted', caller: callerOf(identity, false) };
    const decision = policy.decide({
      identity,
      router,
      operation,
      ...questionOf(operation, request),
    });
    if (decision.kind === 'refused') {
      const refused = refusal('notPermitted', decision.message);
      const isOperators = operation.startsWith('admin.');
      const caller = { ...callerOf(identity, false), isDenied: true };
      return { kind: 'refused', refused, ...(isOperators && { caller }) };
    }
    const quota = policy.quotaOf(identity);
    const { requestsPerSecond, sessions = 0, interfaces = 0, keptBytes = 0 } = quota;
    const waitMs = requestsPerSecond === undefined ? 0 : this.#take(identity, requestsPerSecond);
    if (waitMs > 0) {
      const message = `${identity} may send ${requestsPerSecond} requests per second to a manager`;
      const refused = refusal('overloaded', message, { retryable: true, retryAfterMs: waitMs });
      return { kind: 'refused', refused };
    }
    const { takeover, refusedInterfaces } = decision;
    const caller = {
      ...callerOf(identity, takeover),
      refusedInterfaces,
      sessionsMax: sessions,
      interfacesMax: interfaces,
      keptBytesMax: keptBytes,
    };
    return { kind: 'permitted', caller };
  }

  /** Takes a token of the identity; returns how long to wait for one, in ms, if there is none. */
  #take(identity: string, perSecond: number): number {
    const nowMono = performance.now();
    const { tokens = perSecond, seenMono = nowMono } = this.#buckets.get(identity) ?? {};
    const filled = Math.min(perSecond, tokens + ((nowMono - seenMono) / 1000) * perSecond);
    const left = filled >= 1 ? filled - 1 : filled;
    this.#buckets.set(identity, { tokens: left, seenMono: nowMono });
    if (this.#buckets.size > 1000) this.#dropIdle(nowMono);
    return filled >= 1 ? 0 : Math.ceil(((1 - filled) / perSecond) * 1000);
  }

  #dropIdle(nowMono: number): void {
    for (const [identity, { seenMono }] of this.#buckets) {
      if (nowMono - seenMono > IDLE_MS) this.#buckets.delete(identity);
    }
  }

  #read(): void {
    try {
      this.#policy = readPolicy(this.#file);
      this.#log.info({ file: this.#file }, 'policy read');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const { problems } = error;
      this.#log.error({ file: this.#file, problems }, 'policy not read: the one before stays');
    }
  }
}

/** @throws {ConfigError} with every problem of the file */
function readPolicy(file: string): Policy {
  try {
    return Policy.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const problems = error instanceof PolicyError ? error.problems : [`cannot be read (${code})`];
    throw new ConfigError(problems.map((problem) => `MGM_POLICY_FILE=${file}: ${problem}`));
  }
}

interface Bucket {
  readonly tokens: number;
  readonly seenMono: number;
}

function callerOf(identity: string, mayTakeOver: boolean): Caller {
  return {
    identity,
    mayTakeOver,
    sessionsMax: 0,
    interfacesMax: 0,
    keptBytesMax: 0,
    refusedInterfaces: [],
    isDenied: false,
  };
}

/** The client of a `register` and the interfaces of a `take`; other fields need no permission of their own. */
function questionOf(
  operation: OperationName,
  request: Fields,
): Pick<PolicyQuestion, 'client' | 'interfaces'> {
  const { protocolId, componentId, targets } = request;
  if (operation === 'register' && protocolId !== undefined && componentId !== undefined) {
    return { client: { protocolId, componentId } };
  }
  return operation === 'take' ? { interfaces: targets } : {};
}
