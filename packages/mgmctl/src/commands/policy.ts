import { readFileSync } from 'node:fs';
import type { Policy, PolicyDecision } from '@mgm/policy';
import {
  isRouterName,
  OPERATIONS,
  routerName,
  type InterfaceKey,
  type OperationName,
  interfaceText,
} from '@mgm/protocol';
import { Argument, type Command } from 'commander';
import { componentId, ifIndex, nextHop, protocol } from '../arguments.ts';
import {
  keyOf,
  plainExamples,
  type OfflineContext,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { routerOf } from '../connection.ts';
import { withContext } from '../contexts.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import type { Io } from '../io.ts';

/** Loaded on demand: it would delay the start of every command. */
const policies = () => import('@mgm/policy');

const CHECK_EXAMPLE = 'policy check policy.yaml';
const TEST_EXAMPLES = [
  '--router r1 policy test policy.yaml --as pim1 take 7',
  '--router r1 policy test policy.yaml --as pim1 register --protocol PIM',
];

export function addPolicy(program: Command, { io, offline }: Runner): void {
  const group = program
    .command('policy')
    .summary('check a policy file, and what it permits')
    .description('Checks the policy file of managers, and what it permits, without a connection.')
    .addHelpText('after', plainExamples(CHECK_EXAMPLE, ...TEST_EXAMPLES));
  group
    .command('check <file>')
    .summary('list every problem of a policy file')
    .description('Lists every problem of a policy file. Exit code 1 if there is one.')
    .addHelpText('after', plainExamples(CHECK_EXAMPLE, `${CHECK_EXAMPLE} --json`))
    .action((file: string, _: object, command: Command) =>
      offline(command, (context) => check(file, context)),
    );
  group
    .command('test <file>')
    .summary('tell whether an identity may make a request')
    .description('Tells whether an identity may make a request. Exit code 1 if not.')
    .addHelpText('after', plainExamples(...TEST_EXAMPLES))
    .addArgument(new Argument('<operation>', 'the operation of the request').choices(OPERATIONS))
    .argument('[if]', 'the interface of a take', ifIndex)
    .argument('[nextHop]', 'its next hop', nextHop)
    .requiredOption('--as <identity>', 'the identity that sends the request')
    .option('--protocol <name>', 'the client of a register: PIM, IGMP or a number', protocol)
    .option('--component <number>', 'the component of a register', componentId, 1)
    .action((...[file, operation, index, hop, options, command]: TestArguments) =>
      offline(command, (context) => {
        const key = index === undefined ? undefined : keyOf(index, hop);
        return test(file, { operation, key, ...options }, context, io);
      }),
    );
}

type TestArguments = [
  file: string,
  operation: OperationName,
  ifIndex: number | undefined,
  nextHop: OnInterface[1],
  options: TestOptions,
  command: Command,
];

interface TestOptions {
  readonly as: string;
  readonly protocol?: number;
  readonly component: number;
}

async function check(file: string, { out }: OfflineContext): Promise<ExitCode> {
  const problems = await problemsOf(file);
  if (out.json) out.object({ file, valid: problems.length === 0, problems });
  else if (problems.length === 0) out.line(`${file} is valid`);
  else for (const problem of problems) out.line(`${file}: ${problem}`);
  return problems.length === 0 ? ExitCode.ok : ExitCode.refused;
}

async function problemsOf(file: string): Promise<readonly string[]> {
  const { Policy, PolicyError } = await policies();
  try {
    Policy.parse(read(file));
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.problems;
    throw error;
  }
}

interface Request extends TestOptions {
  readonly operation: OperationName;
  readonly key: InterfaceKey | undefined;
}

async function test(
  file: string,
  request: Request,
  { options, out }: OfflineContext,
  io: Io,
): Promise<ExitCode> {
  const { as: identity, operation, key } = request;
  const router = routerOf(withContext(options, io.env), io);
  if (!isRouterName(router)) {
    throw new UsageError(`--router ${JSON.stringify(router)}: must be 1 to 64 of A-Z a-z 0-9 _ -`);
  }
  const question = { identity, router: routerName(router), operation, ...fieldsOf(request) };
  const policy = await policyOf(file);
  const decision = policy.decide(question);
  const refusal = refusalOf(decision, request);
  const permitted = refusal === undefined;
  if (out.json) out.object({ identity, router, operation, ...key, permitted, message: refusal });
  else if (!permitted) out.line(`refused: ${refusal}`);
  else {
    const what = key === undefined ? operation : `${operation} ${interfaceText(key)}`;
    out.line(`permitted: ${what} by ${identity} on router ${router}`);
  }
  return permitted ? ExitCode.ok : ExitCode.refused;
}

/** Managers check the client of a `register` and the interfaces of a `take`. */
function fieldsOf({ operation, key, protocol: protocolId, component }: Request) {
  if (operation === 'take') {
    if (key === undefined) throw new UsageError('take: name the interface');
    return { interfaces: [key] };
  }
  if (operation !== 'register') return {};
  if (protocolId === undefined) throw new UsageError('register: name the client with --protocol');
  return { client: { protocolId, componentId: component } };
}

/** Why the request is refused; `undefined` if it is permitted. */
function refusalOf(decision: PolicyDecision, { as: identity, key }: Request): string | undefined {
  if (decision.kind === 'refused') return decision.message;
  if (key === undefined || decision.refusedInterfaces.length === 0) return undefined;
  return `no rule of ${identity} permits interface ${interfaceText(key)}`;
}

async function policyOf(file: string): Promise<Policy> {
  const { Policy, PolicyError } = await policies();
  try {
    return Policy.parse(read(file));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new UsageError(`${file} is no valid policy: mgmctl policy check lists its problems`);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new UsageError(`${file} cannot be read (${code})`);
  }
}
