import { referredBy, resolved, type Field, type Schema } from './async-api.ts';

/** Types of single values, by names that the page explains once. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  Uint32: 'u32',
  Counter: 'counter',
  Revision: 'counter',
  Session: 'session',
  Number: 'counter, from 1',
  Seq: 'counter, from 1',
  Ack: 'counter, from 1',
  LastCallback: 'counter',
  Instant: 'instant',
  DurationMs: 'ms',
  Epoch: 'epoch',
  Handle: 'handle',
  IfIndex: 'u32, from 1',
  GivenNextHop: 'next hop',
  NextHop: 'next hop',
  GivenInterfaces: 'list of 1 to 1024 pairs',
  GivenGroup: 'group',
  GivenSource: 'source',
  GivenMask: 'mask',
  GivenFlags: '`1`, `2`, `3`, default `1`',
  GivenEntries: 'list of 1 to 256 lists',
  MembershipItems: 'list, 1 to 256',
  MembershipRevision: 'counter',
  MembershipCause: 'cause',
  Settled: 'counter',
  Cause: 'cause',
  Holder: 'holder',
  IgmpHold: 'map',
};

/** Shorter texts for types that the page explains elsewhere. */
const SHORT_MEANINGS: Readonly<Record<string, string>> = {
  Handle: 'The secret of the session.',
  GivenNextHop: 'Absent for none.',
  NextHop: '`""` for none.',
};

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export function code(text: string | number): string {
  return `\`${text}\``;
}

/** The name of a field, with a `?` if it may be absent. */
export function fieldName({ name, isRequired }: Field): string {
  return code(name) + (isRequired ? '' : '?');
}

/** A table of fields: name, type, meaning. */
export function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map((field) => [
    fieldName(field),
    typeText(field.schema),
    meaningText(field.schema),
  ]);
  return table(['Field', 'Type', 'Meaning'], rows);
}

function typeText(schema: Schema): string {
  const whole = { ...resolved(schema), ...schema };
  const preset =
    whole.default === undefined ? '' : `, default ${code(JSON.stringify(whole.default))}`;
  return (TYPE_NAMES[referredBy(schema) ?? ''] ?? plainType(whole)) + preset;
}

function plainType(schema: Schema): string {
  const { type, minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (type === 'integer') return `${minimum} to ${maximum}`;
  if (type === 'string') return `text${bounds(minLength, maxLength)}`;
  if (type === 'array') return `list${bounds(minItems, maxItems)}`;
  return type ?? 'any';
}

function bounds(least = 0, most = 0): string {
  if (most === 0) return '';
  return least === 0 ? `, at most ${most}` : `, ${least} to ${most}`;
}

function meaningText(schema: Schema): string {
  const short = schema.description ? undefined : SHORT_MEANINGS[referredBy(schema) ?? ''];
  const meaning = short ?? schema.description ?? resolved(schema).description ?? '';
  return schema['x-addition'] ? `${meaning} *([addition](#11-additions))*` : meaning;
}
