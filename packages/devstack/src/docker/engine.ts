import type { ContainerRuntimeClient } from 'testcontainers';
import type { ChooseServersOptions, SourcePlan } from './choose-servers.ts';
import type { WorkOptions } from './debian-cache.ts';
import { engineHostname, publishedOn } from './engine-probe.ts';
import { messageOf } from './errors.ts';
import { IMAGES } from './images.ts';
import type { DockerEngine, ServerPlan } from './servers.ts';

const PULL_WITHIN_MS = 90_000;
const USUAL_SOCKET = 'unix:///var/run/docker.sock';

type EngineAddress = Pick<DockerEngine, 'dockerHost' | 'hostOverride'>;

/** Plans both servers as containers: finds the engine, and pulls the images that it lacks. */
export async function planContainers(options: ChooseServersOptions): Promise<SourcePlan> {
  const { dockerHost } = options;
  const at = dockerHost ?? USUAL_SOCKET;
  const noEngine: SourcePlan = { kind: 'unusable', why: `no Docker engine answers at ${at}` };
  const name = at.startsWith('unix:') ? await engineHostname(new URL(at).pathname) : undefined;
  // Asked for an address that is dead, testcontainers would try others; the caller named this one.
  if (dockerHost?.startsWith('unix:') && name === undefined) return noEngine;
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
 * Tells `testcontainers` which engine to use. It has no other way in than the environment of this process, which it
 * reads at its first use; what is set there already is the user's and stays.
 */
export function configureTestcontainers(engine: Omit<DockerEngine, 'version'>): void {
  const wanted = {
    DOCKER_HOST: engine.dockerHost,
    TESTCONTAINERS_HOST_OVERRIDE: engine.hostOverride,
    TESTCONTAINERS_RYUK_DISABLED: engine.ryuk ? undefined : 'true',
    RYUK_CONTAINER_IMAGE: IMAGES.ryuk,
  };
  for (const [name, value] of Object.entries(wanted)) {
    // oxlint-disable-next-line node/no-process-env -- the only way to tell testcontainers
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

/** Resolves to the servers' images that are not to be had and why; empty when all are there. */
async function obtainAll(client: ContainerRuntimeClient, options: WorkOptions): Promise<string> {
  const troubles: string[] = [];
  for (const image of [IMAGES.redis, IMAGES.nats]) {
    const trouble = await obtain(client, image, options);
    if (trouble !== undefined) troubles.push(`${image} (${trouble})`);
  }
  return troubles.join(', ');
}

/** Resolves to what is wrong, when the image is neither there nor to be pulled. */
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
  // The engine reports some failures in the middle of a successful answer, so the image itself is looked for.
  if (await client.image.exists(name)) return undefined;
  return trouble ?? 'pulling it gave no image';
}

/** Resolves to how the work failed, if it did, or that it was given up; the engine ends a pull that nobody waits for. */
async function troubleOf(
  work: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const given = Promise.withResolvers<string>();
  const giveUp = (): void => given.resolve(`no end after ${PULL_WITHIN_MS / 1000} s`);
  const timer = setTimeout(giveUp, PULL_WITHIN_MS);
  signal?.addEventListener('abort', giveUp);
  const outcome = await Promise.race([work.then(() => undefined, messageOf), given.promise]);
  signal?.removeEventListener('abort', giveUp);
  clearTimeout(timer);
  return outcome;
}
