import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { connect, type Mgm } from '@mgm/client';
import { newRouterName, stageForAll, TestProcess } from '@mgm/test-support';
import { loadConfig, startConsole, type RunningConsole } from '../src/mod.ts';

/** Protocol ids of a routing protocol and of IGMP. */
export const [PIM, IGMP] = [103, 10];
/** The user of this machine, as the tests have it. */
export const USER = 'ann@noc';

const BUNDLE = fileURLToPath(new URL('../dist/web', import.meta.url));
const BUILDER = new URL('../scripts/bundle.ts', import.meta.url);
const MAIN = new URL('../src/main.ts', import.meta.url);

/** A router with a client on it, and a console. */
export interface ConsoleStage extends AsyncDisposable {
  readonly router: string;
  readonly mgm: Mgm;
  readonly console: RunningConsole;
  /** Ends the console and starts it again on the same port. `meanwhile` runs while it is down. */
  restart(meanwhile: () => Promise<unknown>): Promise<void>;
  /** Requests a path of the API of the router. */
  request(path: string, init?: RequestInit): Promise<Response>;
}

/** Starts servers and a manager for the file; `open` adds a router and a console. */
export function consoleStage() {
  const stage = stageForAll({ MGM_NAME: 'mgm-1' });
  return {
    open: (env: Record<string, string> = {}) => open(stage.servers.nats.url, env),
    /** The console as a process, with nothing but these variables. */
    start: (args: readonly string[], env: Record<string, string> = {}) =>
      TestProcess.node(MAIN, args, { env: { MGM_NATS_URL: stage.servers.nats.url, ...env } }),
  };
}

/** Builds the pages if they are older than their sources. */
export async function buildPages(): Promise<void> {
  await import(BUILDER.href);
}

async function open(natsUrl: string, env: Record<string, string>): Promise<ConsoleStage> {
  const router = newRouterName();
  const variables = { MGM_NATS_URL: natsUrl, MGM_ROUTER: router, MGM_CONSOLE_PORT: '0', ...env };
  await using opening = new AsyncDisposableStack();
  const mgm = opening.use(await connect({ servers: natsUrl, router }));
  let running = await startConsole(loadConfig(variables, USER), BUNDLE);
  opening.defer(() => running[Symbol.asyncDispose]());
  const opened = opening.move();
  return {
    router,
    mgm,
    get console() {
      return running;
    },
    restart: async (meanwhile) => {
      const { port } = new URL(running.url);
      await running[Symbol.asyncDispose]();
      await meanwhile();
      running = await startConsole(
        loadConfig({ ...variables, MGM_CONSOLE_PORT: port }, USER),
        BUNDLE,
      );
    },
    request: (path, init) => fetch(`${running.url}/api/${router}/${path}`, init),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A random password. */
export function randomPassword(): string {
  return randomBytes(16).toString('hex');
}
