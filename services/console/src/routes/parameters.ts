import type { Context } from 'hono';
import { BadParameter } from '../problems.ts';

/** A query parameter that is an integer; `undefined` if it is absent. @throws BadParameter */
export function integer(
  c: Context,
  name: string,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = c.req.query(name);
  if (text === undefined || text === '') return undefined;
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw new BadParameter(`${name}: must be an integer from 0 to ${max}`);
}

/** A query parameter that is required. @throws BadParameter */
export function required<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new BadParameter(`${name}: is required`);
  return value;
}

/** The fields of a JSON body. @throws BadParameter */
export async function body(c: Context): Promise<Readonly<Record<string, unknown>>> {
  const parsed: unknown = await c.req.json().catch(() => undefined);
  if (isRecord(parsed)) return parsed;
  throw new BadParameter('the body must be a JSON object');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text in a body. @throws BadParameter */
export function textIn(fields: Readonly<Record<string, unknown>>, name: string, max = 256): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length <= max) return value;
  throw new BadParameter(`${name}: must be a text of at most ${max} characters`);
}

/** A flag in a body. @throws BadParameter */
export function flagIn(fields: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw new BadParameter(`${name}: must be true or false`);
}

/** A number in a body. @throws BadParameter */
export function numberIn(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new BadParameter(`${name}: must be an integer`);
}
