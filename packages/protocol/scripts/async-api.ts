import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The part of JSON Schema (draft 07) that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly 'x-addition'?: boolean;
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
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema | false>>;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export interface Example {
  readonly name: string;
  readonly summary?: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The part of AsyncAPI 3.0 that the document uses. */
interface AsyncApi {
  readonly channels: Readonly<Record<string, { readonly address: string | null }>>;
  readonly operations: Readonly<Record<string, { readonly summary: string }>>;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly payload: Schema; readonly examples: readonly Example[] }>
    >;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

const PATH = fileURLToPath(new URL('../../../docs/asyncapi.yaml', import.meta.url));

/** docs/asyncapi.yaml. */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- test/contract holds the document to this form
export const asyncApi: AsyncApi = parse(readFileSync(PATH, 'utf8'));

/** One entry of a record. @throws Error if there is none of this name */
export function entry<Value>(record: Readonly<Record<string, Value>>, name: string): Value {
  const found = record[name];
  if (found === undefined) throw new Error(`docs/asyncapi.yaml has no ${name}`);
  return found;
}

const SCHEMA = '#/components/schemas/';

/** The name of the schema that a schema refers to, directly or as its only part. */
export function referredBy({ $ref, allOf }: Schema): string | undefined {
  const ref = $ref ?? (allOf?.length === 1 ? allOf[0]?.$ref : undefined);
  return ref?.slice(SCHEMA.length);
}

/** The schema that a reference leads to, or the schema itself. */
export function resolved(schema: Schema): Schema {
  return schema.$ref
    ? entry(asyncApi.components.schemas, schema.$ref.slice(SCHEMA.length))
    : schema;
}

/** The schema and all parts that it is made of. */
function partsOf(schema: Schema): Schema[] {
  const own = resolved(schema);
  return [...(own.allOf ?? []).flatMap(partsOf), own];
}

/** A field of a map. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** The fields of a map in the order of the document; if it has alternatives, the fields of all of them. */
export function fieldsOf(schema: Schema): Field[] {
  const alternatives = resolved(schema).oneOf?.filter(({ $ref }) => $ref !== undefined);
  if (alternatives?.length) return anyOf(alternatives.map(fieldsOf));
  const parts = partsOf(schema);
  const required = new Set(parts.flatMap((part) => part.required ?? []));
  const found = new Map<string, Schema>();
  for (const { properties = {} } of parts) {
    for (const [name, field] of Object.entries(properties)) {
      if (field) found.set(name, { ...found.get(name), ...field });
    }
  }
  return [...found].map(([name, field]) => ({
    name,
    schema: field,
    isRequired: required.has(name),
  }));
}

/** A field is required where every alternative requires it. */
function anyOf(alternatives: readonly Field[][]): Field[] {
  const names = new Set(alternatives.flat().map(({ name }) => name));
  return [...names].flatMap((name) => {
    const found = alternatives.map((fields) => fields.find((field) => field.name === name));
    const [first] = found.filter((field) => field !== undefined);
    return first ? [{ ...first, isRequired: found.every((field) => field?.isRequired) }] : [];
  });
}
