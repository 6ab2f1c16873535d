/**
 * The container images of the servers. No other file names them.
 *
 * The tags determine the oldest supported lines; `redis:7-alpine` and `nats:2-alpine` move within their major version.
 * `ryuk` removes containers that a killed test run left behind; its tag is the one that the installed `testcontainers`
 * expects.
 */
export const IMAGES = {
  redis: 'redis:7-alpine',
  nats: 'nats:2-alpine',
  ryuk: 'testcontainers/ryuk:0.14.0',
} as const;
