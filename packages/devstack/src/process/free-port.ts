import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports are chosen below the ephemeral range, which begins at 32768 on Linux and at 49152 elsewhere. If the port of a killed
 * server were in that range, a reconnecting client could get the same port as its source port. TCP then connects the client to
 * itself: it believes that the server is back, and the server cannot bind its port.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;
const TRIES = 50;

/** A free port of 127.0.0.1. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await canListen(port)) return port;
  }
  throw new Error(
    `no free port of 127.0.0.1 found between ${LOWEST} and ${HIGHEST} in ${TRIES} tries`,
  );
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
