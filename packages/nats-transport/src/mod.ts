export { connectNats, restReading } from './connect.ts';
