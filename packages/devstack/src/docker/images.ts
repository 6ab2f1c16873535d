/**
 * The container images of the servers, the only place that names them.
 *
 * The oldest lines that the product supports follow from the tags; `redis:7-alpine` and `nats:2-alpine` move within
 * their major version. `ryuk` removes containers that a killed test run left behind; its tag is the one that the
 * installed `testcontainers` was made for.
 */
export const IMAGES = {
  redis: 'redis:7-alpine',
  nats: 'nats:2-alpine',
  ryuk: 'testcontainers/ryuk:0.14.0',
} as const;
