import type { Io } from './io.ts';

/** The variables that name files of the login: the same names as those of managers. */
const VARIABLES = {
  creds: 'MGM_NATS_CREDS',
  nkey: 'MGM_NATS_NKEY_FILE',
  tlsCert: 'MGM_NATS_CERT',
  tlsKey: 'MGM_NATS_KEY',
  tlsCa: 'MGM_NATS_CA',
} as const;

/** An option that names a file of the login. */
type FileOption = keyof typeof VARIABLES;

/** The files that the environment names. */
export function loginIn(env: Io['env']): { readonly [Option in FileOption]?: string } {
  return Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([option, variable]) => {
      const path = env[variable];
      return path ? [[option, path]] : [];
    }),
  );
}

/** The variable that names this file for the option; `undefined` where the command line or a context does. */
export function variableOf(
  option: FileOption,
  path: string | undefined,
  env: Io['env'],
): string | undefined {
  const variable = VARIABLES[option];
  return path !== undefined && path === env[variable] ? variable : undefined;
}
