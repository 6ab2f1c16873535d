/**
 * Variables of the caller that change what programs print or where they connect: colours, terminal, language, time zone,
 * settings of Git and npm, and settings of MGM that are not a choice of servers.
 */
const OF_THE_CALLER =
  /^(TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CLICOLOR(_FORCE)?|COLUMNS|LINES|LANG|LANGUAGE|LC_\w+|TZ|NODE_OPTIONS|GIT_\w+)$/;
const OF_THIS_RUN = /^MGM_(SERVERS|NATS_URL|REDIS_URL|TEST_SOURCES|MANAGER_IMAGE|CHAOS_\w+)$/;
const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

/**
 * Takes out of an environment what no test may depend on. Proxies stay, since servers may have to be fetched through them, and
 * are never used for addresses of this machine.
 */
export function makeNeutral(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(env)) {
    const isSetting = name.startsWith('MGM_') && !OF_THIS_RUN.test(name);
    if (OF_THE_CALLER.test(name) || isSetting) delete env[name];
  }
  for (const name of ['NO_PROXY', 'no_proxy']) {
    env[name] = [...new Set([...(env[name] ?? '').split(','), ...LOOPBACK])]
      .filter((host) => host !== '')
      .join(',');
  }
}
