import * as v from 'valibot';
import { parseNextHop } from '../address.ts';
import type { Epoch, NextHop } from '../ids.ts';
import { Limits } from '../limits.ts';
import {
  ADDRESS,
  ackUpToSeq,
  epoch,
  mfeTimeoutMs,
  positive,
  reading,
  request,
  sequence,
  type Wrong,
} from './fields.ts';
import { readName } from './mfe-fields.ts';

const fields = request(
  sequence,
  { group: v.unknown(), source: v.unknown(), upstream: v.optional(v.unknown()) },
  {
    timeoutMs: v.optional(mfeTimeoutMs),
    incarnation: v.optional(positive),
    epoch: v.optional(epoch),
  },
);

type Fields = v.InferOutput<typeof fields>;
type Sequenced = Pick<Fields, 'deadlineMs' | 'handle' | 'seq' | 'ack'>;

/** A change of a forwarding entry: what is absent stays as it is. */
export interface MfeSetting {
  /** The name of the entry for stores. */
  readonly name: string;
  /** `''`: no upstream router. */
  readonly upstream?: NextHop;
  /** The life of the entry from its creation, in ms. */
  readonly timeoutMs?: number;
  /** Refused unless it is the present incarnation. */
  readonly incarnation?: number | undefined;
  /** Refused unless it is the epoch under which the caller holds the incoming interface, or `iifEpoch` of the MFE. */
  readonly epoch?: Epoch | undefined;
}

const REQUIRED = 'is missing, and `timeoutMs` needs it';

/** The request of `mfe.set`. Forwarding contract, section 5.7. */
export const mfeSetRequest = v.pipe(
  fields,
  ackUpToSeq<Fields>(),
  reading((whole: Fields): (Sequenced & MfeSetting) | Wrong => {
    const { group, source, upstream, timeoutMs = Limits.mfeTimeoutMs.keep, ...rest } = whole;
    const read = readName(group, source);
    if ('field' in read) return { wrong: read.must, at: [read.field] };
    const hop = parseNextHop(upstream);
    if (hop === undefined) return { wrong: ADDRESS, at: ['upstream'] };
    const isTimed = timeoutMs !== Limits.mfeTimeoutMs.keep;
    if (isTimed && rest.incarnation === undefined) return { wrong: REQUIRED, at: ['incarnation'] };
    return {
      ...rest,
      name: read.name,
      ...(upstream !== undefined && upstream !== null && { upstream: hop }),
      ...(isTimed && { timeoutMs }),
    };
  }),
);
