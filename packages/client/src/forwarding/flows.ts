import { parseRequest } from '@mgm/protocol';
import type { FlowResult, RequestFields } from '@mgm/protocol';
import { badRequest } from '../errors.ts';
import type { InterfaceRef } from '../interfaces/key.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import type { Success } from '../rpc/messages.ts';
import type { SessionLife } from '../session/life.ts';
import type { MfeRef } from './mfes.ts';

/** A flow without forwarding entry: its (s,g), and the interface on which its packets arrive. */
export interface FlowRef extends MfeRef, InterfaceRef {
  /** The header of a packet, at most 128 bytes; managers pass it on with their questions. */
  readonly header?: Uint8Array | undefined;
}

/** The most elements of one request. */
export const FLOWS_PER_REQUEST = 256;

type Operation = 'flow.new';

/** What an agent reports about the flows that it forwards, of one session. */
export class FlowCalls {
  readonly #context: Context;
  readonly #life: SessionLife;

  constructor(context: Context, life: SessionLife) {
    this.#context = context;
    this.#life = life;
  }

  async new(flows: readonly FlowRef[], options: CallOptions): Promise<FlowResult[]> {
    const elements = flows.map(({ group, source, ifIndex, nextHop = '', header }) => [
      ...[group, source, ifIndex, nextHop],
      ...(header ? [header] : []),
    ]);
    const replies = await this.#send('flow.new', elements, FLOWS_PER_REQUEST, options, (part) => ({
      flows: part,
    }));
    return replies.flatMap(({ results }) => results);
  }

  /** Sends the elements in order, in as many requests as they need. A wrong element rejects before anything is sent. */
  async #send<Name extends Operation>(
    operation: Name,
    elements: readonly unknown[],
    most: number,
    options: CallOptions,
    fieldsOf: (part: unknown[]) => Omit<RequestFields<Name>, 'handle'>,
  ): Promise<Success<Name>[]> {
    const registration = this.#life.current();
    const { handle } = registration;
    const requests = partsOf(elements, most).map((part) => ({ handle, ...fieldsOf(part) }));
    if (requests.length > 1) this.#check(operation, requests, most);
    const replies: Success<Name>[] = [];
    for (const fields of requests) {
      replies.push(await registration.request(operation, fields, options));
    }
    return replies;
  }

  #check(operation: Operation, requests: readonly object[], most: number): void {
    for (const [number, fields] of requests.entries()) {
      const parsed = parseRequest(operation, fields);
      if (parsed.kind === 'request') continue;
      const inAll = (text: string): string =>
        text.replace(/(?<=^\w+\[)\d+/, (at) => String(Number(at) + number * most));
      const origin = { operation, router: this.#context.router };
      throw badRequest(inAll(parsed.message), inAll(parsed.field), origin);
    }
  }
}

function partsOf<Element>(elements: readonly Element[], most: number): Element[][] {
  return Array.from({ length: Math.ceil(elements.length / most) }, (_, number) =>
    elements.slice(number * most, (number + 1) * most),
  );
}
