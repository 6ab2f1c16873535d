// @ts-check
// Preloaded into a Node child that was started with an IPC channel. When the parent vanishes, even by SIGKILL, the channel
// closes and the child gets the SIGTERM that it would have got from the parent; otherwise it would run on unseen.

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
