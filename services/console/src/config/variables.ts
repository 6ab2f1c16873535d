import { DEFAULT_PREFIX, isRouterName, parseNatsUrls, subjectsUnder } from '@mgm/protocol';

/** A variable of the environment: which values are allowed, and what they mean. */
export interface Variable<Value> {
  readonly preset: Value;
  /** The values allowed, in words. */
  readonly allowed: string;
  readonly meaning: string;
  /** The value may contain a password: it is never shown, and may be given as a file by `<NAME>_FILE`. */
  readonly secret?: boolean;
  /** Throws `RangeError` whose message completes "NAME=value: …". */
  readonly read: (text: string) => Value;
}

function integer(min: number, max: number, preset: number, meaning: string): Variable<number> {
  const allowed = `${min} to ${max}`;
  const read = (text: string): number => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new RangeError(`must be ${allowed}`);
  };
  return { preset, allowed, meaning, read };
}

function text(form: RegExp, allowed: string, preset: string, meaning: string): Variable<string> {
  const read = (value: string): string => {
    if (form.test(value)) return value;
    throw new RangeError(`must be ${allowed}`);
  };
  return { preset, allowed, meaning, read };
}

const path = (meaning: string): Variable<string> => text(/^.{1,4096}$/, 'a path', '', meaning);

const natsUrl: Variable<string> = {
  preset: 'nats://127.0.0.1:4222',
  allowed: 'nats:// or tls:// URLs, separated by commas, with user and password or a token',
  meaning: 'NATS servers, with the login of an operator',
  secret: true,
  read: (value) => {
    parseNatsUrls(value);
    return value;
  },
};

const prefix: Variable<string> = {
  preset: DEFAULT_PREFIX,
  allowed: 'tokens of A-Z a-z 0-9 _ - joined by dots',
  meaning: 'the tokens with which every subject begins',
  read: (value) => {
    try {
      return subjectsUnder(value).prefix;
    } catch {
      throw new RangeError(`must be ${prefix.allowed}, at most 128 characters`);
    }
  },
};

const router: Variable<string> = {
  preset: '',
  allowed: '1 to 64 of A-Z a-z 0-9 _ -',
  meaning: 'the router that is shown first; default: the first one that has live sessions',
  read: (value) => {
    if (isRouterName(value)) return value;
    throw new RangeError(`must be ${router.allowed}`);
  },
};

const proxies: Variable<readonly string[]> = {
  preset: [],
  allowed: 'IP addresses or networks (`10.0.0.0/8`), separated by commas',
  meaning: 'the proxies whose `MGM_CONSOLE_USER_HEADER` is trusted; all other clients are refused',
  read: (value) => value.split(',').map((one) => one.trim()),
};

/** Every variable that the console reads. Names, ranges, defaults and meanings are defined only here. */
export const variables = {
  MGM_NATS_URL: natsUrl,
  MGM_NATS_CREDS: path('a `.creds` file for NATS: a user JWT and its seed'),
  MGM_NATS_NKEY_FILE: path('the seed of an NKEY user of NATS; not together with `MGM_NATS_CREDS`'),
  MGM_NATS_CERT: path('TLS client certificate for NATS in PEM; needs `MGM_NATS_KEY`'),
  MGM_NATS_KEY: path('the private key of `MGM_NATS_CERT` in PEM'),
  MGM_NATS_CA: path('certificate authorities for NATS in PEM, instead of those that Node trusts'),
  MGM_PREFIX: prefix,
  MGM_ROUTER: router,
  MGM_CONSOLE_HOST: text(
    /^[0-9A-Za-z.:_-]{1,255}$/,
    'an address or a host name',
    '127.0.0.1',
    'the address to listen on; one that is not loopback needs a password file or a trusted proxy',
  ),
  MGM_CONSOLE_PORT: integer(0, 65_535, 8420, 'the port to listen on; 0 for a free one'),
  MGM_CONSOLE_PASSWORD_FILE: path(
    'Basic authentication: a line `user:sha256` for each user, the SHA-256 of a random password in hexadecimal',
  ),
  MGM_CONSOLE_USER_HEADER: text(
    /^[A-Za-z0-9-]{1,64}$/,
    'the name of a header',
    '',
    'the header in which a trusted proxy names the authenticated user; needs `MGM_CONSOLE_PROXIES`',
  ),
  MGM_CONSOLE_PROXIES: proxies,
  MGM_CONSOLE_ORIGIN: text(
    /^https?:\/\/[^/\s]{1,255}$/,
    'an origin such as https://mgm.example.org',
    '',
    'the origin of the console as browsers see it, behind a proxy that does not pass on the Host header',
  ),
  MGM_CONSOLE_STREAMS_MAX: integer(
    1,
    1000,
    64,
    'browser tabs that may follow changes at the same time; more are refused until one is closed',
  ),
} as const;

/** The variables as a Markdown table. */
export function configTable(): string {
  const rows = Object.entries(variables).map(([name, variable]) => {
    const { preset, allowed, meaning, secret }: Variable<unknown> = variable;
    const shown = String(preset) === '' ? 'none' : String(preset);
    const orFile = secret === true ? `; or a file that holds it: \`${name}_FILE\`` : '';
    return `| \`${name}\` | ${shown} | ${allowed} | ${meaning}${orFile} |`;
  });
  return ['| Variable | Default | Allowed | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}
