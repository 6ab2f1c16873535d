import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inject, type TestContext } from 'vitest';

const PAGE = readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8');

/** The `conf` blocks under a heading of docs/permissions.md. */
function blocks(heading: string): string[] {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/```conf\n(.*?)```/gs)].map(([, text = '']) => text);
}

/** A NATS user of docs/permissions.md. */
export interface NatsUser {
  readonly user: string;
  readonly password: string;
  readonly subscribe: readonly string[];
  readonly publish: readonly string[];
  /** It may answer requests that reach it. */
  readonly allowResponses: boolean;
}

const USER =
  /\{ user: ([\w-]+), password: "([^"]+)", permissions: \{\s*(allow_responses: true)?\s*subscribe: \[([^\]]*)\]\s*publish: \[([^\]]*)\]\s*\} \}/g;

/** The users of the NATS block, as the page has them. */
export function natsUsers(): NatsUser[] {
  const [block = ''] = blocks('NATS');
  return [...block.matchAll(USER)].map(
    ([, user = '', password = '', responses, subscribe = '', publish = '']) => ({
      user,
      password,
      allowResponses: responses !== undefined,
      subscribe: quoted(subscribe),
      publish: quoted(publish),
    }),
  );
}

function quoted(list: string): string[] {
  return [...list.matchAll(/"([^"]+)"/g)].map(([, subject = '']) => subject);
}

/** The NATS block itself. */
export function natsConfig(): string {
  return blocks('NATS')[0] ?? '';
}

/** The lines of Redis: of every mode, then of those named, by a word in their comment. */
export function redisCommands(...additions: readonly string[]): string[][] {
  return blocks('Redis')
    .filter((text) => /# every mode/.test(text) || additions.some((word) => text.includes(word)))
    .flatMap((text) => text.split('\n').filter((line) => line.startsWith('ACL SETUSER')))
    .map((line) => line.split(' '));
}

/** The users of deploy/redis/users.acl: the words of each, by its name. */
export function aclUsers(): Map<string, readonly string[]> {
  const file = new URL('../../deploy/redis/users.acl', import.meta.url);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [, name = '', ...words] = line.split(' ');
      return [name, words];
    }),
  );
}

/** deploy/redis/users.acl with this password for every user. */
export function aclFile(password: string): string {
  const hash = createHash('sha256').update(password).digest('hex');
  const file = new URL('../../deploy/redis/users.acl', import.meta.url);
  return readFileSync(file, 'utf8').replaceAll('SHA256_OF_PASSWORD', hash);
}

/** Skips a test where servers cannot be given users: containers read no files of this machine, given servers have their own. */
export function needsProcesses(context: TestContext): void {
  const { redis, nats } = inject('servers');
  const isOurs = redis.kind === 'process' && nats.kind === 'process';
  context.skip(!isOurs, 'needs servers that run as processes of this machine');
}
