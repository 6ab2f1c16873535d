// Preloaded into every child, which has an IPC channel to its parent: when the parent ends, also by SIGKILL, the channel
// closes and the child ends as after SIGTERM. A child that hangs is killed.

const ENDS_WITHIN_MS = 3_000;

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ENDS_WITHIN_MS).unref();
});
// The channel must not keep the child alive.
process.channel?.unref();
