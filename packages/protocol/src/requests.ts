import * as v from 'valibot';
import { refusal, type RefusalFields } from './errors.ts';
import { requestSchemas, type OperationName, type Request } from './operations/table.ts';
import { RequestDecoder } from './wire/request-decoder.ts';

/** A request in canonical form, or its refusal; `field` and `message` are those of the refusal. */
export type Parsed<Output> =
  | { readonly kind: 'request'; readonly request: Output }
  | {
      readonly kind: 'bad-request';
      readonly field: string;
      readonly message: string;
      readonly refused: RefusalFields;
    };

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
    const refused = refusal('ssmNeedsSource', issue.message);
    return { kind: 'bad-request', field, message: issue.message, refused };
  }
  return badRequest(field, `${field}: ${issue.message}`);
}

function badRequest(field: string, message: string): Parsed<never> {
  return {
    kind: 'bad-request',
    field,
    message,
    refused: refusal('badRequest', message, { field }),
  };
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
