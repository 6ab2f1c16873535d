import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  /** Why requests should go to another replica; empty while this one is ready. */
  readonly notReadyBecause: () => readonly string[];
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>;
}

/** Serves `/livez` (the event loop runs), `/readyz` (200, or 503 with the reasons) and `/metrics` (for Prometheus). */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Resolves when it listens. Rejects when the address cannot be used. */
export async function startHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => respond(options, request, response));
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return { port: portOf(server), close: () => close(server) };
}

function respond(options: HealthOptions, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, {});
  switch (request.url?.split('?')[0]) {
    case '/livez':
      return send(response, 200, { live: true });
    case '/readyz': {
      const reasons = options.notReadyBecause();
      return send(response, reasons.length === 0 ? 200 : 503, {
        ready: reasons.length === 0,
        reasons,
      });
    }
    case '/metrics':
      return void sendMetrics(options.metrics, response);
    default:
      return send(response, 404, {});
  }
}

async function sendMetrics(
  metrics: HealthOptions['metrics'],
  response: ServerResponse,
): Promise<void> {
  try {
    const text = await metrics.text();
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' });
    response.end(text);
  } catch (error) {
    send(response, 500, { error: String(error) });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
