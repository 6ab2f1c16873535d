/**
 * The container images of the servers.
 *
 * A test checks that Redis and NATS have the versions of docker-compose.yml and of the overlays in deploy/kubernetes. `ryuk`
 * removes containers that a killed test run left behind; its tag is the one that the installed `testcontainers` expects.
 */
export const IMAGES = {
  redis: 'redis:7.4.6-alpine',
  nats: 'nats:2.11.16-alpine',
  ryuk: 'testcontainers/ryuk:0.14.0',
} as const;
