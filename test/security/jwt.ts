import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, type RunningServer, type ServersChoice } from '@mgm/devstack';
import { connect, readCredentials, type NatsConnection } from '@mgm/nats';
import { createAccount, createOperator, createUser, type KeyPair } from 'nkeys.js';
import { configuredBy } from '../support/accounts.ts';

/** Three workers on router r1, and an operator of all routers, as in deploy/nats/accounts.conf. */
export const JWT_USERS = ['manager', 'pim1', 'dvmrp1', 'igmp1', 'noc'] as const;
export type JwtUser = (typeof JWT_USERS)[number];

const PREFIX = 'mgm.v1';
const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = {
  ...UNLIMITED,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};

/** A NATS server in JWT mode whose operator, accounts and users exist for one run. */
export interface JwtServer extends AsyncDisposable {
  readonly url: string;
  /** The path of the `.creds` file of a user. */
  credsOf(user: JwtUser): string;
  connect(user: JwtUser): Promise<NatsConnection>;
}

export async function startJwt(choice: ServersChoice): Promise<JwtServer> {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-jwt-'));
  const operator = createOperator();
  const accounts = new Map(JWT_USERS.map((user) => [user, createAccount()]));
  const preload = JWT_USERS.map((user) => {
    const key = publicKeyOf(accounts, user);
    return `${key}: ${jwt(operator, key, user, accountOf(user, accounts))}`;
  });
  const own = jwt(operator, operator.getPublicKey(), 'mgm', { type: 'operator' });
  await writeFile(
    join(dir, 'nats.conf'),
    `operator: ${own}\nresolver: MEMORY\nresolver_preload: {\n${preload.join('\n')}\n}\n`,
  );
  const credsOf = (user: JwtUser): string => join(dir, `${user}.creds`);
  for (const [user, account] of accounts) {
    await writeFile(credsOf(user), credsFile(user, account), { mode: 0o600 });
  }
  const nats: RunningServer = await startNats(choice, configuredBy(choice, dir, 'nats.conf'));
  const servers = nats.url.replace('nats://', '');
  return {
    url: nats.url,
    credsOf,
    connect: async (user) =>
      connect({ servers, ...(await readCredentials({ credsFile: credsOf(user) })) }),
    [Symbol.asyncDispose]: async () => {
      await nats.stop();
      await rm(dir, { recursive: true });
    },
  };
}

function publicKeyOf(accounts: ReadonlyMap<JwtUser, KeyPair>, user: JwtUser): string {
  const account = accounts.get(user);
  if (account === undefined) throw new Error(`${user} has no account`);
  return account.getPublicKey();
}

/** A JWT as nats-server expects it: `ed25519-nkey`, signed by the issuer. */
function jwt(issuer: KeyPair, subject: string, name: string, nats: object): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject,
    nats: { ...nats, version: 2 },
  };
  const signed = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url');
  return `${signed}.${signature}`;
}

/** The account of the managers or of an identity, with its exports and imports. */
function accountOf(user: JwtUser, accounts: ReadonlyMap<JwtUser, KeyPair>): object {
  const imports =
    user === 'manager'
      ? WORKERS.map((worker) => questionsTo(worker, publicKeyOf(accounts, worker)))
      : importsOf(user, publicKeyOf(accounts, 'manager'));
  const exported = user === 'manager' ? EXPORTS : isWorker(user) ? [QUESTIONS] : [];
  return { type: 'account', limits: ACCOUNT_LIMITS, exports: exported, imports };
}

const WORKERS = ['pim1', 'dvmrp1', 'igmp1'] as const;

function isWorker(user: JwtUser): boolean {
  return WORKERS.some((worker) => worker === user);
}

const QUESTIONS = { name: 'questions', type: 'service', subject: `${PREFIX}.r1.ask.*` };

/** What the managers import of a worker. */
function questionsTo(worker: JwtUser, account: string): object {
  const { type, subject } = QUESTIONS;
  return { type, account, name: `to ${worker}`, subject, local_subject: `as.${worker}.${subject}` };
}

const EXPORTS = [
  { name: 'requests', type: 'service', subject: `as.*.${PREFIX}.*.*` },
  { name: 'members', type: 'service', subject: `as.*.${PREFIX}.*.member.*` },
  { name: 'routes', type: 'service', subject: `as.*.${PREFIX}.*.rib.*` },
  { name: 'flows', type: 'service', subject: `as.*.${PREFIX}.*.flow.*` },
  { name: 'admin', type: 'service', subject: `as.*.${PREFIX}.*.admin.*` },
  { name: 'operator-settings', type: 'service', subject: `as.*.${PREFIX}.*.admin.*.*` },
  { name: 'events', type: 'stream', subject: `${PREFIX}.*.event.*` },
  { name: 'memberships', type: 'stream', subject: `${PREFIX}.*.membership.*` },
  { name: 'heads', type: 'stream', subject: `${PREFIX}.*.head` },
  { name: 'callbacks', type: 'stream', subject: `as.*.${PREFIX}.*.callback.*` },
  { name: 'hints', type: 'stream', subject: `as.*.${PREFIX}.*.hint.*` },
  { name: 'monitoring', type: 'service', subject: '$SRV.>', response_type: 'Stream' },
];

function importsOf(identity: JwtUser, account: string): object[] {
  const renamed = (type: string, tail: string) => ({
    type,
    account,
    name: `${type} ${tail}`,
    subject: `as.${identity}.${PREFIX}.${tail}`,
    local_subject: `${PREFIX}.${tail}`,
  });
  const same = (type: string, subject: string) => ({ type, account, name: subject, subject });
  if (identity === 'noc') {
    return [
      renamed('service', '*.*'),
      renamed('service', '*.member.*'),
      renamed('service', '*.rib.*'),
      renamed('service', '*.admin.*'),
      renamed('service', '*.admin.*.*'),
      same('service', '$SRV.>'),
      same('stream', `${PREFIX}.*.event.*`),
      same('stream', `${PREFIX}.*.membership.*`),
      same('stream', `${PREFIX}.*.head`),
    ];
  }
  return [
    renamed('service', 'r1.*'),
    renamed('service', 'r1.member.*'),
    renamed('service', 'r1.rib.*'),
    renamed('service', 'r1.flow.*'),
    renamed('stream', 'r1.callback.*'),
    renamed('stream', 'r1.hint.*'),
    same('stream', `${PREFIX}.r1.event.*`),
    same('stream', `${PREFIX}.r1.membership.*`),
    same('stream', `${PREFIX}.r1.head`),
  ];
}

function permissionsOf(user: JwtUser): { pub: string[]; sub: string[] } {
  switch (user) {
    case 'manager':
      return {
        pub: [
          ...['_R_.>', '_INBOX.>', `${PREFIX}.*.event.*`, `${PREFIX}.*.head`],
          `${PREFIX}.*.membership.*`,
          ...[`as.*.${PREFIX}.*.callback.*`, `as.*.${PREFIX}.*.hint.*`, `as.*.${PREFIX}.*.ask.*`],
          `${PREFIX}.$manager.presence`,
        ],
        sub: [`as.*.${PREFIX}.>`, `${PREFIX}.$manager.presence`, '$SRV.>', '_INBOX.>'],
      };
    case 'noc':
      return {
        pub: [
          ...[`${PREFIX}.*.*`, `${PREFIX}.*.member.*`, `${PREFIX}.*.rib.*`],
          ...[`${PREFIX}.*.admin.*`, `${PREFIX}.*.admin.*.*`, '$SRV.>'],
        ],
        sub: [
          ...['_INBOX.>', `${PREFIX}.*.event.*`],
          ...[`${PREFIX}.*.membership.*`, `${PREFIX}.*.head`],
        ],
      };
    default:
      return {
        pub: [
          ...[`${PREFIX}.r1.*`, `${PREFIX}.r1.member.*`, `${PREFIX}.r1.rib.*`],
          `${PREFIX}.r1.flow.*`,
        ],
        sub: [
          ...['_INBOX.>', `${PREFIX}.r1.callback.*`, `${PREFIX}.r1.hint.*`, `${PREFIX}.r1.ask.*`],
          `${PREFIX}.r1.membership.*`,
          ...[`${PREFIX}.r1.event.*`, `${PREFIX}.r1.head`],
        ],
      };
  }
}

function credsFile(user: JwtUser, account: KeyPair): string {
  const key = createUser();
  const { pub, sub } = permissionsOf(user);
  const answers = isWorker(user) ? { resp: { max: 1, ttl: 0 } } : {};
  const allowed = { pub: { allow: pub }, sub: { allow: sub }, ...answers };
  const claims = { type: 'user', ...UNLIMITED, ...allowed };
  const token = jwt(account, key.getPublicKey(), user, claims);
  const seed = new TextDecoder().decode(key.getSeed());
  return [
    ...['-----BEGIN NATS USER JWT-----', token, '------END NATS USER JWT------', ''],
    ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
  ].join('\n');
}
