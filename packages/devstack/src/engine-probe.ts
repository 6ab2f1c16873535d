import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { hostname } from 'node:os';

const ANSWER_WITHIN_MS = 3_000;

/** The host name of the machine whose Docker engine answers at a unix socket, or nothing where none does. */
export function engineHostname(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { socketPath, path: '/info', timeout: ANSWER_WITHIN_MS };
    const asking = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(nameIn(body)));
    });
    asking.once('timeout', () => asking.destroy());
    asking.once('error', () => resolve(undefined));
    asking.end();
  });
}

/**
 * The address of published ports where `testcontainers` guesses it wrongly: it takes the file /.dockerenv as proof
 * that it runs inside a container, and then looks for ports at the bridge's gateway. Machines made from container images
 * have that file, too; there an engine of this very machine publishes on its own loopback.
 */
export function publishedOn(nameOfEngine: string | undefined): string | undefined {
  const local = existsSync('/.dockerenv') && nameOfEngine === hostname();
  return local ? '127.0.0.1' : undefined;
}

function nameIn(body: string): string | undefined {
  try {
    const info: unknown = JSON.parse(body);
    if (typeof info !== 'object' || info === null || !('Name' in info)) return undefined;
    return typeof info.Name === 'string' ? info.Name : undefined;
  } catch {
    return undefined;
  }
}
