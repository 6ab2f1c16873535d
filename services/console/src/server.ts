import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { authenticate, sameOrigin, type Variables } from './access.ts';
import type { Config } from './config/config.ts';
import { onError } from './problems.ts';
import { Routers } from './routers.ts';
import { actionRoutes } from './routes/actions.ts';
import { readRoutes } from './routes/reads.ts';
import { streamRoute } from './routes/stream.ts';

/** A console that listens. Disposing ends its streams and closes its clients. */
export interface RunningConsole extends AsyncDisposable {
  /** Its address in a browser on this machine. */
  readonly url: string;
}

/** Files of the bundle have names that change with their content. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Starts to listen. NATS and managers need not be available: pages show what is missing.
 *
 * @param bundle the folder of the pages
 * @throws Error of Node if the address is in use or not one of this machine
 */
export async function startConsole(config: Config, bundle: string): Promise<RunningConsole> {
  const routers = new Routers(config.nats);
  const { fetch } = createApp(config, routers, bundle);
  const server = serve({ fetch, hostname: config.host, port: config.port });
  await once(server, 'listening');
  const address = server.address();
  const url = urlOf(config.host, address);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
      await routers[Symbol.asyncDispose]();
    },
  };
}

function createApp(
  config: Config,
  routers: Routers,
  bundle: string,
): Hono<{ Variables: Variables }> {
  const app = new Hono<{ Variables: Variables }>();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: 'DENY',
      // The console itself speaks HTTP; a proxy with TLS decides this.
      strictTransportSecurity: false,
    }),
  );
  app.get('/livez', (c) => c.text('ok\n'));
  app.use(authenticate(config.access), sameOrigin(config));
  app.use('/api/*', async (c, next) => {
    c.header('Cache-Control', 'no-store');
    await next();
  });
  app.route('/api', streamRoute(routers, config.streamsMax));
  app.route('/api', readRoutes(routers, config.router));
  app.route('/api', actionRoutes(routers));
  app.use('/assets/*', async (c, next) => {
    await next();
    if (c.res.ok) c.header('Cache-Control', FOR_EVER);
  });
  app.get('*', serveStatic({ root: bundle }));
  app.notFound((c) => c.json({ reason: 'not-found', message: 'no such page' }, 404));
  app.onError(onError);
  return app;
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' && address ? address.port : 0;
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host;
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`;
}
