import * as v from 'valibot';
import { ALERT_TYPES, type AlertType } from '../callbacks.ts';
import type { RefusalName } from '../errors.ts';
import { isEpoch, type Handle, type InterfaceKey } from '../ids.ts';
import { Limits } from '../limits.ts';
import { parseNextHop } from '../address.ts';

/**
 * The fields that requests are made of. Each has its own message, which completes "`field`: must be …", and costs one
 * function call. Parsing stops at the first field or list element that is wrong.
 */

const U32_MAX = 0xffffffff;

/** Integers from `min` to `max`, and the message for anything else. */
/* @__NO_SIDE_EFFECTS__ */
function range(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const text = `${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}`;
  return {
    includes: (value: unknown): value is number =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max,
    must: (value: unknown): string =>
      `must be ${Number.isInteger(value) ? '' : 'an integer, '}${text}`,
  };
}

/* @__NO_SIDE_EFFECTS__ */
function integer({ includes, must }: ReturnType<typeof range>) {
  return v.custom<number>(includes, ({ input }) => must(input));
}

/* @__NO_SIDE_EFFECTS__ */
function text(min: number, max: number) {
  return v.custom<string>(
    (value) => typeof value === 'string' && value.length >= min && value.length <= max,
    `must be text of ${min} to ${max} characters`,
  );
}

const ifIndexRange = range(1, U32_MAX);

export const u32Range = range(0, U32_MAX);

export const u32 = integer(u32Range);
export const counterRange = range(0);
export const counter = integer(counterRange);
export const positiveRange = range(1);
export const positive = integer(positiveRange);
export const ifIndex = integer(ifIndexRange);
export const ttlMs = integer(range(Limits.ttlMs.min, Limits.ttlMs.max));
export const graceMs = integer(range(Limits.graceMs.min, Limits.graceMs.max));

/** Which statistics to read: `MGM_MFE_STATS_0` or `MGM_MFE_STATS_1`. */
export const statsFlags = integer(range(1, 2));

const { keep, min: mfeTimeoutMin, max: mfeTimeoutMax } = Limits.mfeTimeoutMs;
const mfeTimeoutRange = range(mfeTimeoutMin, mfeTimeoutMax);
export const mfeTimeoutMs = v.custom<number>(
  (value) => value === keep || mfeTimeoutRange.includes(value),
  `must be ${keep}, or an integer, ${mfeTimeoutMin} to ${mfeTimeoutMax}`,
);

export const name = text(0, Limits.text);
export const instance = text(Limits.instance.min, Limits.instance.max);
/** `actor` or `why` of an operator's action. */
export const reasonText = text(1, Limits.text);

export const flag = v.custom<boolean>(
  (value) => typeof value === 'boolean',
  'must be true or false',
);

/** One of these texts. `must` names them in the message for anything else. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const Text extends string>(texts: readonly Text[], must: string) {
  return v.custom<Text>((value) => texts.some((text) => text === value), must);
}

export const localMembers = oneOf(['forward', 'advise'], 'must be "forward" or "advise"');

/** A field whose canonical form `read` returns, or `undefined` where it is wrong. */
/* @__NO_SIDE_EFFECTS__ */
function readBy<Input, Output>(read: (value: Input) => Output | undefined, message: string) {
  return v.rawTransform<Input, Output>(({ dataset, addIssue, NEVER }) => {
    const output = read(dataset.value);
    if (output !== undefined) return output;
    addIssue({ message });
    return NEVER;
  });
}

const HANDLE = `must be text of at most ${Limits.handleBytes} bytes`;
export const handle = v.pipe(v.string(HANDLE), readBy(handleOf, HANDLE));

function handleOf(text: string): Handle | undefined {
  return Buffer.byteLength(text) <= Limits.handleBytes ? (text as Handle) : undefined;
}

const EPOCH = 'must be an epoch: decimal text, as `take` replied it';
export const epoch = v.pipe(
  v.string(EPOCH),
  readBy((text) => (isEpoch(text) ? text : undefined), EPOCH),
);

export const ADDRESS = 'must be an IPv4 or IPv6 address as text, a u32, or absent';
/** The canonical next hop; `''` where the field is absent. */
const nextHop = v.optional(v.pipe(v.unknown(), readBy(parseNextHop, ADDRESS)), '');

/** What is wrong with a request or an element of a list, and at which path in it. `refusal`: other than `badRequest`. */
export interface Wrong<Key extends string | number = string | number> {
  readonly wrong: string;
  readonly at: readonly Key[];
  readonly refusal?: RefusalName | undefined;
}

/** Replaces a checked request or list by what `read` makes of it, unless `read` finds it wrong. */
/* @__NO_SIDE_EFFECTS__ */
export function reading<Input, Output extends object>(read: (input: Input) => Output | Wrong) {
  return v.rawTransform<Input, Output>(({ dataset, addIssue, NEVER }) => {
    const output = read(dataset.value);
    if (!('wrong' in output)) return output;
    const { wrong, at, refusal = 'badRequest' } = output;
    addIssue({ message: wrong, path: fieldPath(...at), expected: refusal });
    return NEVER;
  });
}

/** Names of alert types, known ones in the order of the contract. Unknown names are dropped. */
export const alerts = v.pipe(
  v.custom<readonly string[]>(
    (value) => Array.isArray(value) && value.length <= Limits.alerts,
    `must be a list of at most ${Limits.alerts} names`,
  ),
  reading((names: readonly string[]): readonly AlertType[] | Wrong => {
    const at = names.findIndex((name) => typeof name !== 'string');
    if (at >= 0) return { wrong: 'must be text', at: [at] };
    return ALERT_TYPES.filter((type) => names.includes(type));
  }),
);

/** A field of every request: for how long, from its arrival at a manager, it is worth executing. */
const common = { deadlineMs: v.optional(u32) };

/** Fields of a sequenced request. */
export const sequence = { handle, seq: positive, ack: positive };

export const limit = v.optional(integer(range(1, Limits.pageItems)), Limits.defaultPageItems);

/** Fields of a request for one page of a listing. */
export const page = { cursor: v.optional(text(0, Limits.cursor)), limit };

/** Fields that name one interface. */
export const onInterface = { ifIndex, nextHop };

/**
 * A request of these fields, which are checked in this order. Unknown fields are dropped. Parts are merged here rather than
 * by the caller, because a bundler keeps a schema whose arguments are spread, although nothing uses it.
 */
/* @__NO_SIDE_EFFECTS__ */
export function request<
  First extends v.ObjectEntries,
  Second extends v.ObjectEntries = Nothing,
  Third extends v.ObjectEntries = Nothing,
>(first: First, second?: Second, third?: Third) {
  const fields = { ...common, ...first, ...second, ...third };
  return v.object<typeof common & First & Second & Third, 'is missing'>(
    fields as never,
    'is missing',
  );
}

type Nothing = Record<never, never>;

/** Refuses a sequenced request whose `ack` is above its `seq`. */
/* @__NO_SIDE_EFFECTS__ */
export function ackUpToSeq<Fields extends { readonly seq: number; readonly ack: number }>() {
  return v.rawCheck<Fields>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.ack <= dataset.value.seq) return;
    addIssue({ message: 'must be at most `seq`', path: fieldPath('ack') });
  });
}

/** The path of an issue that a check of a whole request finds: a field, an element of a list, an element of that. */
export function fieldPath(
  ...keys: readonly (string | number)[]
): [v.IssuePathItem, ...v.IssuePathItem[]] {
  return keys.map((key) => ({
    type: 'unknown',
    origin: 'value',
    input: undefined,
    key,
    value: undefined,
  })) as never;
}

/** A list of 1 to `max` elements that are checked elsewhere. */
/* @__NO_SIDE_EFFECTS__ */
export function listUpTo(max: number) {
  return v.custom<readonly unknown[]>(
    (value) => Array.isArray(value) && value.length >= 1 && value.length <= max,
    `must be a list of 1 to ${max}`,
  );
}

/** A list of 1 to `max` epochs. */
/* @__NO_SIDE_EFFECTS__ */
export function epochList(max: number) {
  return v.pipe(listUpTo(max), v.array(epoch));
}

/** A list of 1 to `max` elements, each read by `read`. The first wrong one is named. */
/* @__NO_SIDE_EFFECTS__ */
export function elements<Element extends object>(
  max: number,
  read: (value: unknown) => Element | Wrong,
) {
  return v.pipe(
    listUpTo(max),
    reading((values: readonly unknown[]): readonly Element[] | Wrong => {
      const list: Element[] = [];
      for (const [at, value] of values.entries()) {
        const one = read(value);
        if ('wrong' in one) return { ...one, at: [at, ...one.at] };
        list.push(one);
      }
      return list;
    }),
  );
}

/** The fields by which `take` and `release` name interfaces: `ifIndex` with `nextHop`, or `interfaces`. */
export const targetFields = {
  ifIndex: v.optional(ifIndex),
  nextHop: v.optional(v.unknown()),
  interfaces: v.optional(elements(Limits.bulk, readInterface)),
};

/** One element of `interfaces`, or what is wrong with it. */
function readInterface(pair: unknown): InterfaceKey | Wrong {
  if (!Array.isArray(pair) || pair.length < 1 || pair.length > 2) {
    return { wrong: 'must be a list of `ifIndex` and, optionally, `nextHop`', at: [] };
  }
  return interfaceAt(pair, 0);
}

/** The interface whose `ifIndex` and `nextHop` are the values of an element from position `at` on. */
export function interfaceAt(values: readonly unknown[], at: number): InterfaceKey | Wrong<number> {
  const index = values[at];
  if (!ifIndexRange.includes(index)) return { wrong: ifIndexRange.must(index), at: [at] };
  const nextHopText = parseNextHop(values[at + 1]);
  if (nextHopText === undefined) return { wrong: ADDRESS, at: [at + 1] };
  return { ifIndex: index, nextHop: nextHopText };
}

export interface TargetFields {
  readonly ifIndex?: number | undefined;
  readonly nextHop?: unknown;
  readonly interfaces?: readonly InterfaceKey[] | undefined;
}

export interface Targets {
  /** The interfaces, in the order of the request. */
  readonly targets: readonly InterfaceKey[];
  /** Whether the request named them in `interfaces` and so expects `results`. */
  readonly bulk: boolean;
}

/** Replaces the three fields that may name interfaces by one list. Both forms, or neither, is a bad request. */
/* @__NO_SIDE_EFFECTS__ */
export function gatherTargets<Fields extends TargetFields>() {
  return reading((fields: Fields): (Omit<Fields, keyof TargetFields> & Targets) | Wrong => {
    const { ifIndex: index, nextHop: hop, interfaces, ...rest } = fields;
    if (interfaces !== undefined) {
      if (index === undefined && hop === undefined)
        return { ...rest, targets: interfaces, bulk: true };
      return { wrong: 'must not be combined with `ifIndex` or `nextHop`', at: ['interfaces'] };
    }
    if (index === undefined)
      return { wrong: 'is missing, and so is `interfaces`', at: ['ifIndex'] };
    const parsed = parseNextHop(hop);
    if (parsed === undefined) return { wrong: ADDRESS, at: ['nextHop'] };
    return { ...rest, targets: [{ ifIndex: index, nextHop: parsed }], bulk: false };
  });
}
