import { addAbortListener } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { messageOf } from '../errors.ts';
import { IMAGES } from './images.ts';
import type { DockerEngine, ServerPlan, SourcePlan, WorkOptions } from '../servers.ts';

const PULL_WITHIN_MS = 90_000;
const USUAL_SOCKET = 'unix:///var/run/docker.sock';

/** How containers are started. */
export interface ContainerOptions extends WorkOptions {
  /** Address of the Docker engine, as in `DOCKER_HOST`, if it is not the default. */
  readonly dockerHost?: string;
  /** Whether to use the image that removes the containers of a killed run. Default: yes, if it is available. */
  readonly ryuk?: boolean;
}

/** Other places, besides the usual socket, where `testcontainers` looks for an engine. */
const OTHER_PLACES = [
  '.testcontainers.properties',
  '.docker/run/docker.sock',
  '.docker/desktop/docker.sock',
];

/** `testcontainers` is an optional peer. */
function hasTestcontainers(): boolean {
  try {
    createRequire(import.meta.url).resolve('testcontainers');
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a reason to look for an engine that does not answer at the usual socket. */
function mayHaveEngine(): boolean {
  const { platform } = process;
  if (platform === 'win32') return true;
  const places = OTHER_PLACES.map((place) => join(homedir(), place));
  return [...places, `/run/user/${process.getuid?.() ?? ''}/docker.sock`].some((place) =>
    existsSync(place),
  );
}

type EngineAddress = Pick<DockerEngine, 'dockerHost' | 'hostOverride'>;

/** Plans both servers as containers: finds the engine and pulls missing images. */
export async function planContainers(options: ContainerOptions): Promise<SourcePlan> {
  const { dockerHost } = options;
  if (!hasTestcontainers()) {
    return { kind: 'unusable', why: 'for containers the package testcontainers is missing' };
  }
  const at = dockerHost ?? USUAL_SOCKET;
  const noEngine: SourcePlan = { kind: 'unusable', why: `no Docker engine answers at ${at}` };
  const name = at.startsWith('unix:') ? await engineHostname(new URL(at).pathname) : undefined;
  // For an unreachable address testcontainers would try others, but the caller named this one.
  if (dockerHost?.startsWith('unix:') && name === undefined) return noEngine;
  // Loading testcontainers takes a third of a second: not where it finds nothing.
  if (dockerHost === undefined && name === undefined && !mayHaveEngine()) return noEngine;
  const hostOverride = publishedOn(name);
  const address: EngineAddress = {
    ...(dockerHost !== undefined && { dockerHost }),
    ...(hostOverride !== undefined && { hostOverride }),
  };
  const client = await connect(address);
  if (client === undefined) return noEngine;
  const lacking = await obtainAll(client, options);
  if (lacking !== '') {
    return { kind: 'unusable', why: `the Docker engine at ${at} lacks ${lacking}` };
  }
  const wanted = options.ryuk ?? true;
  const ryuk = wanted && (await obtain(client, IMAGES.ryuk, options)) === undefined;
  const version = String(client.info.containerRuntime.serverVersion);
  return describe({ ...address, version, ryuk });
}

/**
 * Tells `testcontainers` which engine to use. The only way is the environment of this process, which it reads at its first
 * use; variables set by the user are kept.
 */
export function configureTestcontainers(engine: Omit<DockerEngine, 'version'>): void {
  const wanted = {
    DOCKER_HOST: engine.dockerHost,
    TESTCONTAINERS_HOST_OVERRIDE: engine.hostOverride,
    TESTCONTAINERS_RYUK_DISABLED: engine.ryuk ? undefined : 'true',
    RYUK_CONTAINER_IMAGE: IMAGES.ryuk,
  };
  for (const [name, value] of Object.entries(wanted)) {
    // oxlint-disable-next-line node/no-process-env -- the only way to configure testcontainers
    if (value !== undefined) process.env[name] ??= value;
  }
}

function describe(engine: DockerEngine): SourcePlan {
  const plan = (image: string): ServerPlan => ({ kind: 'docker', image, engine });
  const tidy = engine.ryuk ? '' : '; without ryuk, so a killed run leaves its containers';
  return {
    kind: 'usable',
    redis: plan(IMAGES.redis),
    nats: plan(IMAGES.nats),
    what: `docker (engine ${engine.version}, ${IMAGES.redis}, ${IMAGES.nats}${tidy})`,
  };
}

async function connect(address: EngineAddress): Promise<ContainerRuntimeClient | undefined> {
  configureTestcontainers({ ...address, ryuk: true });
  const { getContainerRuntimeClient } = await import('testcontainers');
  return getContainerRuntimeClient().catch(() => undefined);
}

/** Resolves to the missing images with the reasons; empty if all are available. */
async function obtainAll(client: ContainerRuntimeClient, options: WorkOptions): Promise<string> {
  const troubles: string[] = [];
  for (const image of [IMAGES.redis, IMAGES.nats]) {
    const trouble = await obtain(client, image, options);
    if (trouble !== undefined) troubles.push(`${image} (${trouble})`);
  }
  return troubles.join(', ');
}

/** Resolves to the reason if the image is neither present nor can be pulled. */
async function obtain(
  client: ContainerRuntimeClient,
  image: string,
  { onProgress, signal }: WorkOptions,
): Promise<string | undefined> {
  const { ImageName } = await import('testcontainers');
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return undefined;
  onProgress?.(`pulling ${image}`);
  const trouble = await troubleOf(client.image.pull(name), signal);
  signal?.throwIfAborted();
  // The engine reports some failures inside a successful response, so check for the image itself.
  if (await client.image.exists(name)) return undefined;
  return trouble ?? 'pulling it gave no image';
}

/** Resolves to the failure of the work, if any, or to its timeout. The engine cancels a pull without a client. */
async function troubleOf(
  work: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const abandoned = Promise.withResolvers<string>();
  const limit = AbortSignal.timeout(PULL_WITHIN_MS);
  using _ = addAbortListener(signal ? AbortSignal.any([signal, limit]) : limit, () =>
    abandoned.resolve(`no end after ${PULL_WITHIN_MS / 1000} s`),
  );
  return await Promise.race([work.then(() => undefined, messageOf), abandoned.promise]);
}

const ANSWER_WITHIN_MS = 3_000;

/** The host name that the Docker engine at a unix socket reports; `undefined` if none answers. */
function engineHostname(socketPath: string): Promise<string | undefined> {
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
 * The address of published ports if `testcontainers` would guess it wrongly. It takes the file /.dockerenv as proof that it
 * runs inside a container, and then uses the bridge's gateway. Machines made from container images have that file, too;
 * there an engine of the same machine publishes on the loopback address.
 */
function publishedOn(nameOfEngine: string | undefined): string | undefined {
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
