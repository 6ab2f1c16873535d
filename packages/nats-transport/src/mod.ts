export { connectNats, restReading } from './connect.ts';
export { protocolOf } from './inside.ts';
