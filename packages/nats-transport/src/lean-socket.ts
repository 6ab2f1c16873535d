import { connect, type Socket } from 'node:net';

/** What one read takes at most; Node reads on while there is more. */
const READ_BYTES = 64 * 1024;

/**
 * A TCP connection as `net.connect` makes it, that emits `data` the moment it was read. Node otherwise takes 64 KiB of
 * memory for each read, gives most of it back, and moves the bytes through a stream: for a message of a hundred bytes that is
 * as much work as all that is done with it. `pause` leaves unread what comes from then on. Bytes that come while nobody
 * listens for `data` are lost.
 */
export function connectLean(host: string, port: number): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const pass = (length: number): boolean => {
    socket.emit('data', Buffer.from(buffer.subarray(0, length)));
    return true;
  };
  const onread = { buffer, callback: pass };
  const socket: Socket = connect({ host, port, noDelay: true, onread });
  return socket;
}
