import { isMgmError } from '../errors.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import type { SessionLife } from '../session/life.ts';
import type { Prefix } from '@mgm/protocol';
import type { RouteOperation, RouteResult } from './items.ts';
import { readPrefixRef, readRouteRef, type PrefixRef, type Route, type RouteRef } from './refs.ts';

/** The route methods of one session. */
export class RouteCalls {
  readonly #context: Context;
  readonly #life: SessionLife;
  readonly #protocolId: number;

  /** @param protocolId the originator of routes that do not name one */
  constructor(context: Context, life: SessionLife, protocolId: number) {
    this.#context = context;
    this.#life = life;
    this.#protocolId = protocolId;
  }

  get onRecord(): readonly Route[] {
    return this.#life.state === 'over' ? [] : [...this.#life.routes.record.values()];
  }

  async set(refs: readonly RouteRef[], options: CallOptions): Promise<RouteResult[]> {
    const origin = { operation: 'rib.set', router: this.#context.router } as const;
    return await this.#change('rib.set', refs, options, (ref) =>
      readRouteRef(ref, this.#protocolId, origin),
    );
  }

  async delete(refs: readonly PrefixRef[], options: CallOptions): Promise<RouteResult[]> {
    const origin = { operation: 'rib.delete', router: this.#context.router } as const;
    return await this.#change('rib.delete', refs, options, (ref) => readPrefixRef(ref, origin));
  }

  /** Elements that are wrong fail here, the others are sent. */
  async #change<Ref>(
    operation: RouteOperation,
    refs: readonly Ref[],
    options: CallOptions,
    read: (ref: Ref) => Prefix | Route,
  ): Promise<RouteResult[]> {
    if (this.#life.state !== 'recovering') this.#life.current();
    const targets: (Prefix | Route)[] = [];
    const failed = refs.map((ref): RouteResult | undefined => {
      try {
        targets.push(read(ref));
        return undefined;
      } catch (error) {
        if (isMgmError(error)) return { kind: 'failed', error };
        throw error;
      }
    });
    const current = () => this.#life.current();
    const sent = await this.#life.routes.change(current, operation, targets, options);
    const results = sent.values();
    return failed.flatMap((failure) => failure ?? results.next().value ?? []);
  }
}
