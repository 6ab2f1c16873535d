import {
  AbstractStartedContainer,
  GenericContainer,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import type { ManagerEnv } from './manager.ts';

/** The port of `/livez`, `/readyz` and `/metrics` in the image. */
const HEALTH_PORT = 9090;
const READY_WITHIN_MS = 60_000;

/**
 * A manager in a container of its image. `start()` resolves when the manager serves, that is when `/readyz` replies with 200.
 *
 * The URLs must be valid inside the container: give the servers a network and aliases, as in
 * `new MgmManagerContainer('mgm-manager:0.1.0').withNetwork(network).withNatsUrl('nats://nats:4222').withRedisUrl('redis://redis:6379')`.
 */
export class MgmManagerContainer extends GenericContainer {
  /** `image`: the image of the manager with its tag. */
  constructor(image: string) {
    super(image);
    this.withExposedPorts(HEALTH_PORT)
      .withWaitStrategy(Wait.forHttp('/readyz', HEALTH_PORT).forStatusCode(200))
      .withStartupTimeout(READY_WITHIN_MS);
  }

  /** One or more NATS servers as the container reaches them, separated by commas. */
  withNatsUrl(url: string): this {
    return this.withSettings({ MGM_NATS_URL: url });
  }

  /** The Redis as the container reaches it. */
  withRedisUrl(url: string): this {
    return this.withSettings({ MGM_REDIS_URL: url });
  }

  /** More settings by their names in the environment, `MGM_…`. Later values replace earlier ones. */
  withSettings(settings: ManagerEnv): this {
    return this.withEnvironment(settings);
  }

  /** Starts the container. Rejects with the error of testcontainers if the manager does not serve within a minute. */
  override async start(): Promise<StartedMgmManagerContainer> {
    return new StartedMgmManagerContainer(await super.start());
  }
}

/** A manager that serves in a container. `stop()` or `await using` ends it. */
export class StartedMgmManagerContainer extends AbstractStartedContainer {
  /** Created by {@link MgmManagerContainer.start}. */
  constructor(started: StartedTestContainer) {
    super(started);
  }

  /** The address of its health server as this process reaches it: `/livez`, `/readyz` and `/metrics` are below it. */
  getHealthUrl(): string {
    return `http://${this.getHost()}:${this.getMappedPort(HEALTH_PORT)}`;
  }
}
