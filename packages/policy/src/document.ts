import { isRouterName, OPERATIONS } from '@mgm/protocol';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { nextHopProblem } from './interface-range.ts';

/** Thrown for a file that is no policy. `problems` has a line for each fault, with its place in the file. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the policy is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Sets of operations that a rule may name instead of single ones. */
const OPERATION_SETS = ['worker', 'read', 'admin'] as const;

const U32_MAX = 0xffffffff;
const identity = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -');
const identities = z.array(identity).min(1, 'must name at least one identity');
const routerPattern = z
  .string()
  .refine((text) => text === '*' || isRouterName(text.replace(/\*$/, 'x')), {
    error: 'must be a router name, or the beginning of one followed by *',
  });
const operation = z.enum([...OPERATION_SETS, ...OPERATIONS], {
  error: `must be ${OPERATION_SETS.join(', ')} or the name of an operation`,
});
const u32 = z.int({ error: 'must be an integer' }).min(0).max(U32_MAX);
const pair = z.strictObject({ protocolId: u32, componentId: u32.optional() });
const nextHop = z.string().superRefine((text, context) => {
  const message = nextHopProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
const range = z
  .strictObject({
    from: z.int().min(1).max(U32_MAX),
    to: z.int().min(1).max(U32_MAX),
    nextHops: z.array(nextHop).min(1).optional(),
  })
  .refine(({ from, to }) => from <= to, { error: 'must be at least `from`', path: ['to'] });

const rule = z.strictObject({
  name: z.string().min(1).max(128),
  identities,
  routers: z.array(routerPattern).min(1),
  operations: z.array(operation).min(1),
  protocols: z.array(pair).min(1).optional(),
  interfaces: z.array(range).min(1).optional(),
  takeover: z.boolean().default(false),
});

const count = z.int().min(1).max(1_000_000_000).optional();
const quota = z.strictObject({
  identities,
  sessions: count,
  interfaces: count,
  keptBytes: count,
  requestsPerSecond: count,
});

const document = z
  .strictObject({
    version: z.literal(1, { error: 'must be 1' }),
    groups: z.record(identity, identities).default({}),
    rules: z.array(rule).min(1, 'must have at least one rule'),
    quotas: z.array(quota).default([]),
  })
  .superRefine(({ rules }, context) => {
    const names = new Map<string, number>();
    for (const [at, { name }] of rules.entries()) {
      const first = names.get(name);
      const message = `is the name of rules[${first}], too`;
      if (first !== undefined)
        context.addIssue({ code: 'custom', message, path: ['rules', at, 'name'] });
      names.set(name, first ?? at);
    }
  });

/** A policy file as written, with defaults filled in. */
export type PolicyDocument = z.output<typeof document>;

/**
 * Reads the text of a policy file (YAML 1.2).
 *
 * @throws {PolicyError} with every problem: of the YAML, or of the fields, as `line 7: rules[1].routers[0]: must be …`
 */
export function readPolicyDocument(text: string): PolicyDocument {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = [...yaml.errors, ...yaml.warnings];
  if (syntax.length > 0) {
    throw new PolicyError(
      syntax.map(({ pos, message }) => `line ${lines.linePos(pos[0]).line}: ${message}`),
    );
  }
  const parsed = document.safeParse(expanded(yaml));
  if (parsed.success) return parsed.data;
  throw new PolicyError(
    parsed.error.issues.flatMap((issue) => {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
      return unknown.map((key) => {
        const path = key === undefined ? issue.path : [...issue.path, key];
        const message = key === undefined ? issue.message : 'is not a field of a policy';
        return `line ${lineOf(yaml, lines, path)}: ${fieldName(path)}: ${message}`;
      });
    }),
  );
}

/** The values of the file. Aliases that multiply beyond reason are refused, not expanded. */
function expanded(yaml: ReturnType<typeof parseDocument>): unknown {
  try {
    return yaml.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new PolicyError([error instanceof Error ? error.message : String(error)]);
  }
}

/** The line of a field, or of the nearest one around it that is there. */
function lineOf(
  yaml: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = yaml.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function fieldName(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return text.replace(/^\./, '') || 'the file';
}
