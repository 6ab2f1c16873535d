import { parseArgs } from 'node:util';
import { VERSION } from '@mgm/protocol';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/config.ts';
import { readCredentialFiles } from './config/files.ts';
import { checkPolicy } from './permissions.ts';

const HELP = `mgm-manager                 runs a manager until SIGTERM or SIGINT
mgm-manager --check-config  checks the variables and the files that they name, connects to nothing
mgm-manager --version       prints the version
mgm-manager --help          prints this text

It is configured by variables of the environment, MGM_…; docs/configuration.md of the repository lists them.
MGM_NATS_URL and MGM_REDIS_URL have the addresses of NATS and Redis.

Exit codes: 0 after SIGTERM or SIGINT, 1 when it failed, 2 for a wrong configuration, argument or version of Node.
`;

/** What the arguments ask for: to serve, or only a text, with its exit code. */
export type Asked =
  | { readonly kind: 'serve' }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** Reads the arguments of the program, and answers those that do not ask it to serve. */
export async function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Asked> {
  const options = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
    'check-config': { type: 'boolean' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return { kind: 'print', text: HELP };
    if (values.version) return { kind: 'print', text: `mgm-manager ${VERSION}\n` };
    return values['check-config'] ? await checkConfig(env) : { kind: 'serve' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', text: `mgm-manager: ${why}\nmgm-manager --help has the arguments\n` };
  }
}

/** Checks all that a start would refuse without a server: variables, credentials files, the policy. */
async function checkConfig(env: Readonly<Record<string, string | undefined>>): Promise<Asked> {
  try {
    const config = loadConfig(env);
    await readCredentialFiles(config);
    checkPolicy(config.policyFile);
    return { kind: 'print', text: 'the configuration is valid\n' };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { kind: 'refused', text: `${error.message}\n` };
  }
}
