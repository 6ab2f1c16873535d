import { connect } from '@mgm/nats';

/** Replies to each message on `bench.echo` with its payload, until its parent ends it or has ended. */
const nats = await connect({ servers: process.argv[2] ?? '' });
nats.subscribe('bench.echo', { callback: (_, message) => void message.respond(message.data) });
await nats.flush();
process.on('disconnect', () => process.exit());
process.send?.('ready');
