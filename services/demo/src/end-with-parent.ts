// Preloaded into every child, which is started with an IPC channel: when the parent vanishes, be it by SIGKILL, the channel
// closes, and the child ends as it would have been asked to. One that hangs is not waited for.

const ENDS_WITHIN_MS = 3_000;

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ENDS_WITHIN_MS).unref();
});
// Only the parent's end counts; the channel is no reason to go on.
process.channel?.unref();
