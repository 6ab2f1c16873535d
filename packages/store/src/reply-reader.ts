import {
  epochOf,
  sessionId,
  type Epoch,
  type InterfaceKey,
  type Revision,
  type SessionId,
} from '@mgm/protocol';
import { interfaceOf } from './names.ts';

/** The script answered something its header does not declare: a bug of ours, or another script under our name. */
export class ScriptReplyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScriptReplyError';
  }
}

export function undeclared(union: string, tag: unknown): ScriptReplyError {
  return new ScriptReplyError(`${union}: undeclared reply ${JSON.stringify(tag)}`);
}

/** A row of at least `places` values. */
export function row(value: unknown, what: string, places: number): readonly unknown[] {
  if (Array.isArray(value) && value.length >= places) return value;
  throw new ScriptReplyError(`${what}: expected ${places} values, got ${JSON.stringify(value)}`);
}

/** A tag and its fields; a tag that has none may stand alone. */
export function tagged(value: unknown, what: string): readonly unknown[] {
  return typeof value === 'string' ? [value] : row(value, what, 1);
}

export function width(value: readonly unknown[], what: string, places: number): void {
  if (value.length !== places) {
    throw new ScriptReplyError(`${what}: expected ${places} values, got ${value.length}`);
  }
}

export function list<Item>(value: unknown, one: (item: unknown) => Item): readonly Item[] {
  return row(value, 'list', 0).map(one);
}

/** Absent is the empty value of the type: 0, `''`, an empty list. */
export function optional<Value>(value: unknown, one: (value: unknown) => Value): Value | undefined {
  const isAbsent = value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
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
