import { isIP } from 'node:net';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { isLoopback, type Access, type Config } from './config/config.ts';
import { basicUser } from './config/passwords.ts';

/** What the middleware leaves for the routes. */
export interface Variables {
  /** The authenticated user, who is the actor of administrative requests. */
  readonly user: string;
}

/** The most characters of an actor in the log. */
const ACTOR_MAX = 256;

/**
 * Authenticates each request and names its user. Without authentication only requests for a loopback name pass, so that a page
 * that points a name of its own at this machine (DNS rebinding) is refused.
 */
export function authenticate(access: Access): MiddlewareHandler<{ Variables: Variables }> {
  return async (c, next) => {
    const user = userOf(access, c);
    if (user === undefined) return refused(access, c);
    c.set('user', user);
    await next();
    return undefined;
  };
}

function userOf(access: Access, c: Context): string | undefined {
  switch (access.kind) {
    case 'none':
      return isLoopback(hostNameOf(c)) ? access.actor : undefined;
    case 'basic':
      return basicUser(access.passwords, c.req.header('authorization'));
    case 'proxy': {
      const { address = '' } = getConnInfo(c).remote;
      const isTrusted = isAmong(access.proxies, address.replace(/^::ffff:(?=\d+\.)/, ''));
      const user = c.req.header(access.header)?.trim();
      return isTrusted && user !== undefined && isActor(user) ? user : undefined;
    }
  }
}

function isAmong(
  list: { check: (address: string, family: 'ipv4' | 'ipv6') => boolean },
  address: string,
): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** The names of a user are recorded in the log of the router. */
function isActor(user: string): boolean {
  return user.length > 0 && user.length <= ACTOR_MAX && !/\p{Cc}/u.test(user);
}

function hostNameOf(c: Context): string {
  const host = `http://${c.req.header('host') ?? ''}`;
  return URL.canParse(host) ? new URL(host).hostname.replace(/^\[|\]$/g, '') : '';
}

function refused(access: Access, c: Context): Response {
  switch (access.kind) {
    case 'none':
      return c.json(
        {
          reason: 'not-permitted',
          message: 'the console answers to the name of this machine only',
        },
        403,
      );
    case 'basic':
      c.header('WWW-Authenticate', 'Basic realm="MGM console", charset="UTF-8"');
      return c.json({ reason: 'not-permitted', message: 'user and password are required' }, 401);
    case 'proxy':
      return c.json(
        {
          reason: 'not-permitted',
          message: `requests must come from a trusted proxy, with ${access.header}`,
        },
        403,
      );
  }
}

/**
 * Refuses requests that change something unless the browser says that a page of the console sent them: another page must not
 * act with the login of its visitor.
 */
export function sameOrigin({ origin }: Pick<Config, 'origin'>): MiddlewareHandler {
  return async (c, next) => {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (isRead || isOwnOrigin(c.req.header('origin'), origin, c.req.header('host'))) {
      await next();
      return undefined;
    }
    const message = 'the request does not come from a page of this console (Origin)';
    return c.json({ reason: 'not-permitted', message }, 403);
  };
}

function isOwnOrigin(given: string | undefined, own: string, host: string | undefined): boolean {
  if (given === undefined || !URL.canParse(given)) return false;
  return own === '' ? host !== undefined && new URL(given).host === host : given === own;
}
