import * as v from 'valibot';
import { Limits } from '../limits.ts';
import { fieldPath, handle, listUpTo, positiveRange, request } from './fields.ts';
import { readName, type Wrong } from './mfe-fields.ts';

/** What agents report about forwarding entries, item by item. Forwarding contract, sections 8.1 and 8.3. */

/** The forwarding entry that an item is about. */
interface Reported {
  readonly name: string;
  readonly incarnation: number;
}

/** An item of `flow.failed`. */
export interface FailedElement extends Reported {
  /** `''`: it was programmed after all. */
  readonly reason: string;
}

const FAILED = 'must be a list: group, source, incarnation, reason';
const REASON = `must be text of at most ${Limits.failureBytes} bytes`;

/** The first three fields of an item. */
function readReported([group, source, incarnation]: readonly unknown[]): Reported | Wrong {
  const read = readName(group, source);
  if ('field' in read) return { wrong: read.must, at: [read.field === 'group' ? 0 : 1] };
  if (!positiveRange.includes(incarnation)) {
    return { wrong: positiveRange.must(incarnation), at: [2] };
  }
  return { name: read.name, incarnation };
}

function readFailed(values: unknown): FailedElement | Wrong {
  if (!Array.isArray(values) || values.length < 4) return { wrong: FAILED, at: [] };
  const reported = readReported(values);
  if ('wrong' in reported) return reported;
  const reason: unknown = values[3];
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > Limits.failureBytes) {
    return { wrong: REASON, at: [3] };
  }
  return { ...reported, reason };
}

const itemFields = request({ handle, items: listUpTo(Limits.reports) });
type ItemFields = v.InferOutput<typeof itemFields>;

/** A request of a handle and items, each read by `read`. The first wrong one is named. */
/* @__NO_SIDE_EFFECTS__ */
function itemsBy<Element extends object>(read: (values: unknown) => Element | Wrong) {
  return v.pipe(
    itemFields,
    v.rawTransform<ItemFields, Omit<ItemFields, 'items'> & { readonly items: readonly Element[] }>(
      ({ dataset, addIssue, NEVER }) => {
        const items: Element[] = [];
        for (const [at, values] of dataset.value.items.entries()) {
          const one = read(values);
          if ('wrong' in one) {
            addIssue({ message: one.wrong, path: fieldPath('items', at, ...one.at) });
            return NEVER;
          }
          items.push(one);
        }
        return { ...dataset.value, items };
      },
    ),
  );
}

export const flowFailedRequest = itemsBy(readFailed);
