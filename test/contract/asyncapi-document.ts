import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OPERATIONS, requestSchemas, type OperationName } from '@mgm/protocol';
import { Ajv, type ErrorObject } from 'ajv';
import { parse } from 'yaml';

/** A reference to another part of the document. */
export interface Reference {
  readonly $ref: string;
}

/** The part of JSON Schema (draft 07) that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly const?: string | number;
  readonly enum?: readonly (string | number)[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly items?: Schema | readonly Schema[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export interface Example {
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

interface Channel {
  readonly address: string | null;
  readonly messages: Readonly<Record<string, Reference>>;
}

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: Reference;
  readonly messages?: readonly Reference[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
  readonly bindings?: Reference;
}

/** The part of AsyncAPI 3.0 that the document uses. */
export interface AsyncApi {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly payload: Reference; readonly examples: readonly Example[] }>
    >;
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly operationBindings: Readonly<Record<string, unknown>>;
  };
}

const PATH = fileURLToPath(new URL('../../docs/asyncapi.yaml', import.meta.url));

/** docs/asyncapi.yaml, unchecked. */
export const asyncApi = parse(readFileSync(PATH, 'utf8')) as AsyncApi;

/** The request schema of every documented operation. */
export const SCHEMAS: typeof requestSchemas = requestSchemas;
export type Documented = OperationName;

/** Every documented operation, in the order of the document. */
export const DOCUMENTED: readonly Documented[] = OPERATIONS;

/** The target of a reference. @throws Error when it has none */
export function resolve(ref: string, document: unknown = asyncApi): unknown {
  const parts = ref.replace(/^#\//, '').split('/');
  const found = parts.reduce<unknown>(
    (at, part) => (at as Record<string, unknown>)?.[part],
    document,
  );
  if (found === undefined) throw new Error(`${ref} has no target`);
  return found;
}

/** Every reference of the document, in order and with repeats. */
export function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('$ref' in value) return [String(value.$ref)];
  return Object.values(value).flatMap(references);
}

/** The schemas that together describe one value: the schema itself and those it refers to, at any depth. */
function partsOf(schema: Schema): Schema[] {
  const named = schema.$ref === undefined ? [] : [resolve(schema.$ref) as Schema];
  const nested = [
    ...named,
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ];
  return [schema, ...nested.flatMap(partsOf)];
}

/** The fields of a map, each with the schemas that describe it. */
export function fieldsOf(schema: Schema): ReadonlyMap<string, readonly Schema[]> {
  const fields = new Map<string, Schema[]>();
  for (const { properties = {} } of partsOf(schema)) {
    for (const [name, field] of Object.entries(properties)) {
      if (typeof field === 'object') fields.set(name, [...(fields.get(name) ?? []), field]);
    }
  }
  return fields;
}

/** All schemas of a value merged into one; the outer one takes precedence. */
export function merged(schemas: readonly Schema[]): Schema {
  return Object.assign({}, ...schemas.flatMap(partsOf).toReversed()) as Schema;
}

/** Fields, as `items[0].igmp.colour`, that a value has and its schema does not name. */
function unnamedIn(value: unknown, schemas: readonly Schema[], path = ''): string[] {
  if (Array.isArray(value)) {
    const items = schemas.flatMap(partsOf).flatMap((part) => part.items ?? []);
    return value.flatMap((item, at) => unnamedIn(item, items, `${path}[${at}]`));
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const fields = fieldsOf({ allOf: schemas });
  return Object.entries(value).flatMap(([name, field]) => {
    const known = fields.get(name);
    const at = path ? `${path}.${name}` : name;
    return known ? unnamedIn(field, known, at) : [at];
  });
}

const ajv = new Ajv({ strict: false, allErrors: true }).addSchema(asyncApi, 'asyncapi');

/** The problems of a value as the payload of this message; empty when it is valid. */
export function faultsIn(message: string, value: unknown): string[] {
  const { payload } = messageNamed(message);
  const validate = ajv.getSchema(`asyncapi${payload.$ref}`);
  if (!validate) throw new Error(`no schema for ${message}`);
  const faults = validate(value) ? [] : (validate.errors ?? []).map(textOf);
  return [...faults, ...unnamedIn(value, [payload]).map((field) => `${field} is not named`)];
}

/** A message of the document. @throws Error when there is none with this name */
export function messageNamed(name: string): AsyncApi['components']['messages'][string] {
  const message = asyncApi.components.messages[name];
  if (!message) throw new Error(`the document has no message ${name}`);
  return message;
}

function textOf({ instancePath, message }: ErrorObject): string {
  return `${instancePath || '/'} ${message}`;
}
