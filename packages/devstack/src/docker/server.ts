import { setTimeout as delay } from 'node:timers/promises';
import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { READY_WITHIN_MS, startContainer, textOf } from './container.ts';
import { configureTestcontainers } from './engine.ts';
import { DevstackError, messageOf } from '../errors.ts';
import { freePort } from '../process/free-port.ts';
import type { ServerKind, ServerRequest } from '../server-kinds.ts';
import { ServerOutput } from '../process/server-output.ts';
import type { RunningServer, ServerPlan } from '../servers.ts';

const READY_POLL_MS = 20;
const STOP_WITHIN_MS = 3_000;
const PORT_TRIES = 5;
const PORT_TAKEN = /port is already allocated|address already in use/i;

type ContainerPlan = Extract<ServerPlan, { kind: 'docker' }>;
type EngineContainer = ReturnType<
  Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['getById']
>;

/**
 * Starts a server as a container and resolves when it accepts connections. The host port is fixed, since the engine would
 * assign another random port at each start.
 */
export async function startDockerServer(
  plan: ContainerPlan,
  request: ServerRequest,
): Promise<RunningServer> {
  configureTestcontainers(plan.engine);
  for (let tries = 1; ; tries++) {
    const output = new ServerOutput();
    const port = request.port ?? (await freePort());
    try {
      const started = await startContainer(plan.image, request, port, output);
      return await DockerServer.of(request.kind, port, started);
    } catch (error) {
      const portTaken = PORT_TAKEN.test(messageOf(error));
      // Another process may have taken the port in the meantime: try another one, unless the caller chose it.
      if (portTaken && request.port === undefined && tries < PORT_TRIES) continue;
      const why = portTaken ? `port ${port} is taken` : messageOf(error);
      const what = `a container of ${plan.image} did not start: ${why}`;
      throw new DevstackError('start-failed', `${what}\n${output.tail()}`.trim(), { cause: error });
    }
  }
}

class DockerServer implements RunningServer {
  readonly source = 'docker';
  readonly host: string;
  readonly port: number;
  readonly #kind: ServerKind;
  readonly #started: StartedTestContainer;
  readonly #container: EngineContainer;
  #peerHost = '';
  #stopped = false;

  private constructor(
    kind: ServerKind,
    port: number,
    started: StartedTestContainer,
    container: EngineContainer,
  ) {
    this.#kind = kind;
    this.#started = started;
    this.#container = container;
    this.host = started.getHost();
    this.port = port;
  }

  static async of(
    kind: ServerKind,
    port: number,
    started: StartedTestContainer,
  ): Promise<DockerServer> {
    const { container: containers } = await getContainerRuntimeClient();
    const server = new DockerServer(kind, port, started, containers.getById(started.getId()));
    await server.#findPeerHost();
    return server;
  }

  get url(): string {
    return `${this.#kind.scheme}://${this.host}:${this.port}`;
  }

  get peer(): { host: string; port: number } {
    return { host: this.#peerHost, port: this.#kind.containerPort };
  }

  async start(): Promise<void> {
    if (await this.#isRunning()) return;
    const before = await this.#readyLines();
    await this.#container.start();
    const deadlineMono = performance.now() + READY_WITHIN_MS;
    while ((await this.#readyLines()) <= before) {
      if (performance.now() > deadlineMono) throw await this.#silent();
      await delay(READY_POLL_MS);
    }
    await this.#findPeerHost();
  }

  async kill(): Promise<void> {
    if (!(await this.#isRunning())) return;
    await this.#container.kill({ signal: 'SIGKILL' });
    await this.#container.wait();
  }

  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async resume(): Promise<void> {
    await this.#container.unpause();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const { Paused: paused } = await this.#state();
    // A paused container handles no signal.
    if (paused) await this.#container.unpause();
    await this.#started.stop({ timeout: STOP_WITHIN_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async logs(): Promise<string> {
    const frames = await this.#container.logs({ stdout: true, stderr: true, tail: 10_000 });
    return textOf(frames);
  }

  async #state(): Promise<{ Running: boolean; Paused: boolean }> {
    return (await this.#container.inspect()).State;
  }

  async #isRunning(): Promise<boolean> {
    return (await this.#state()).Running;
  }

  async #readyLines(): Promise<number> {
    const lines = (await this.logs()).split('\n');
    return lines.filter((line) => this.#kind.readyLine.test(line)).length;
  }

  async #findPeerHost(): Promise<void> {
    const { NetworkSettings } = await this.#container.inspect();
    this.#peerHost = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  }

  async #silent(): Promise<DevstackError> {
    const message = `${this.#kind.name} on port ${this.port} was not ready within ${READY_WITHIN_MS / 1000} s`;
    return new DevstackError('start-failed', `${message}\n${(await this.logs()).slice(-2000)}`);
  }
}
