import { type ServersChoice, startRedis } from '@mgm/devstack';

/** Starts a Redis from the given choice, prints its port, and never ends it. */
const choice: ServersChoice = JSON.parse(process.argv[2] ?? '');
const redis = await startRedis(choice);
console.log(redis.port);
await new Promise(() => setInterval(() => {}, 60_000));
