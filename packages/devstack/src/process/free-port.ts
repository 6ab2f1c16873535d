import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports are drawn from below the range that outgoing connections get theirs from (32768 on Linux, 49152 elsewhere). A
 * client that reconnects to a killed server's port inside that range can be given the very same port as its own, and
 * then TCP connects it to itself: it believes the server is back, and the server cannot have its port again.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;
const TRIES = 50;

/** A port of 127.0.0.1 on which nobody listens at this moment. Somebody may take it before the caller does. */
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
