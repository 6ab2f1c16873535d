import {
  epochOf,
  sessionId,
  type Epoch,
  type InterfaceKey,
  type Revision,
  type SessionId,
} from '@mgm/protocol';
import { Packr } from 'msgpackr';
import { interfaceOf } from './names.ts';

/**
 * The encoding of what travels to and from the script. Lua's cmsgpack reads neither records nor extension types, and packs
 * every integer above 2^32 in 64 bits.
 */
const packr = new Packr({ useRecords: false, int64AsType: 'number', encodeUndefinedAsNil: true });

/** Packs values for the script. The result is a copy: the packer reuses its buffer. */
export function packForScript(value: unknown): Buffer {
  return Buffer.from(packr.pack(value));
}

export function unpackFromScript(packed: Buffer): unknown {
  return packr.unpack(packed);
}

/** A script reply that its header does not declare: a bug, or another script under this library's name. */
export class ScriptReplyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScriptReplyError';
  }
}

export function undeclared(union: string, tag: unknown): ScriptReplyError {
  return new ScriptReplyError(`${union}: undeclared reply ${JSON.stringify(tag)}`);
}

/** A list of at least `least` values. */
export function row(value: unknown, what: string, least: number): readonly unknown[] {
  if (Array.isArray(value) && value.length >= least) return value;
  throw new ScriptReplyError(`${what}: expected ${least} values, got ${JSON.stringify(value)}`);
}

/** A tag and its fields; a tag without fields may be a plain string. */
export function tagged(value: unknown, what: string): readonly unknown[] {
  return typeof value === 'string' ? [value] : row(value, what, 1);
}

export function width(value: readonly unknown[], what: string, exactly: number): void {
  if (value.length !== exactly) {
    throw new ScriptReplyError(`${what}: expected ${exactly} values, got ${value.length}`);
  }
}

export function list<Item>(value: unknown, one: (item: unknown) => Item): readonly Item[] {
  return row(value, 'list', 0).map(one);
}

/** The empty value of the type (0, `''`, an empty list) stands for an absent one, and so does a row that ends before it. */
export function optional<Value>(value: unknown, one: (value: unknown) => Value): Value | undefined {
  const isAbsent =
    value === undefined ||
    value === 0 ||
    value === '' ||
    (Array.isArray(value) && value.length === 0);
  return isAbsent ? undefined : one(value);
}

export function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new ScriptReplyError(`expected an integer, got ${JSON.stringify(value)}`);
}

export function string(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new ScriptReplyError(`expected text, got ${JSON.stringify(value)}`);
}

export function flag(value: unknown): boolean {
  return integer(value) !== 0;
}

export function epoch(value: unknown): Epoch {
  return epochOf(integer(value));
}

export function session(value: unknown): SessionId {
  return sessionId(integer(value));
}

export function revision(value: unknown): Revision {
  return integer(value) as Revision;
}

function interfaceKey(value: unknown): InterfaceKey {
  return interfaceOf(string(value));
}
export { interfaceKey as interface };
