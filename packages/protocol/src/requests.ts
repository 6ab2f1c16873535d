import * as v from 'valibot';
import { refusal, type RefusalFields, type RefusalName } from './errors.ts';
import {
  requestSchemas,
  unsharedRequestSchemas,
  type OperationName,
  type Request,
  type UnsharedOperation,
} from './operations/table.ts';
import { RequestDecoder } from './wire/request-decoder.ts';

/** A wrong request: its refusal, which `refusalOf` completes. */
export interface BadRequest {
  readonly kind: 'bad-request';
  readonly refusal: RefusalName;
  readonly field: string;
  readonly message: string;
}

/** A request in canonical form, or what is wrong with it. */
export type Parsed<Output> = { readonly kind: 'request'; readonly request: Output } | BadRequest;

export type ParsedRequest<Name extends OperationName> = Parsed<Request<Name>>;

/**
 * Reads a decoded message as a request of this operation in canonical form, or says which field is wrong and what it
 * must be. Unknown fields are dropped and nothing is clamped. Wire contract section 3.
 */
export function parseRequest<Name extends OperationName>(
  operation: Name,
  message: unknown,
): ParsedRequest<Name> {
  const schema: v.GenericSchema<unknown, Request<Name>> = requestSchemas[operation];
  return parseBy(schema, message);
}

/** As {@link parseRequest}, without the schemas of the operations whose requests the client library shares. */
export function parseUnshared<Name extends UnsharedOperation>(
  operation: Name,
  message: unknown,
): ParsedRequest<Name> {
  const schema: v.GenericSchema<unknown, Request<Name>> = unsharedRequestSchemas[operation];
  return parseBy(schema, message);
}

/** The first wrong field decides, so a hostile request costs no more than a valid one. */
const FIRST_ONLY = { abortEarly: true } as const;

/** Reads a message by any request schema. */
export function parseBy<Output>(
  schema: v.GenericSchema<unknown, Output>,
  message: unknown,
): Parsed<Output> {
  const parsed = v.safeParse(schema, message, FIRST_ONLY);
  if (parsed.success) return { kind: 'request', request: parsed.output };
  const [issue] = parsed.issues;
  const field = fieldName(issue.path ?? []);
  // The one refusal that names a rule instead of a field. Membership contract, section 3.
  if (issue.expected === 'ssmNeedsSource') {
    return { kind: 'bad-request', refusal: 'ssmNeedsSource', field, message: issue.message };
  }
  return badRequest(field, `${field}: ${issue.message}`);
}

function badRequest(field: string, message: string): BadRequest {
  return { kind: 'bad-request', refusal: 'badRequest', field, message };
}

/** The fields of the reply to a wrong request. */
export function refusalOf({ refusal: name, field, message }: BadRequest): RefusalFields {
  return refusal(name, message, name === 'badRequest' ? { field } : {});
}

/** Reads the bytes of a request. `field` is `message` where they are no MessagePack map. Never throws. */
export function readRequest<Name extends OperationName>(
  operation: Name,
  bytes: Uint8Array,
): ParsedRequest<Name> {
  const decoder = decoders.get(operation) ?? decoderOf(operation);
  const decoded = decoder.decode(bytes);
  if (decoded.kind === 'message') return parseRequest(operation, decoded.value);
  return badRequest('message', `message: ${decoded.fault}`);
}

const decoders = new Map<OperationName, RequestDecoder>();

function decoderOf(operation: OperationName): RequestDecoder {
  const decoder = new RequestDecoder(Object.keys(requestSchemas[operation].entries));
  decoders.set(operation, decoder);
  return decoder;
}

/** `interfaces[3][0]` for the path `['interfaces', 3, 0]`. */
function fieldName(path: readonly v.IssuePathItem[]): string {
  return path.map(({ key }, at) => part(key, at)).join('');
}

function part(key: unknown, at: number): string {
  return typeof key === 'number' ? `[${key}]` : `${at ? '.' : ''}${String(key)}`;
}
