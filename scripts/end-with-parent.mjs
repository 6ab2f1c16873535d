// @ts-check
// Preloaded into a Node child with an IPC channel. When the parent ends, also by SIGKILL, the channel closes and the child
// gets a SIGTERM. Without this it would keep running.

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
