import { connect } from '@mgm/nats';

/** Answers each message on `bench.echo` with itself, until its parent ends it or goes away. */
const nats = await connect({ servers: process.argv[2] ?? '' });
nats.subscribe('bench.echo', { callback: (_, message) => void message.respond(message.data) });
await nats.flush();
process.on('disconnect', () => process.exit());
process.send?.('ready');
