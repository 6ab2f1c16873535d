import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Variables } from '../access.ts';
import type { Evicted } from '../api.ts';
import type { Routers } from '../routers.ts';
import { body, flagIn, numberIn, textIn } from './parameters.ts';

const BODY_BYTES_MAX = 4_096;

/** What an operator can do. The user of the console becomes the actor in the logs of the router. */
export function actionRoutes(routers: Routers): Hono<{ Variables: Variables }> {
  return new Hono<{ Variables: Variables }>()
    .use(
      bodyLimit({
        maxSize: BODY_BYTES_MAX,
        onError: (c) => {
          const message = `the body must have at most ${BODY_BYTES_MAX} bytes`;
          return c.json({ reason: 'bad-request', message }, 413);
        },
      }),
    )
    .post('/:router/release', async (c) => {
      const fields = await body(c);
      const target = {
        ifIndex: numberIn(fields, 'ifIndex'),
        nextHop: textIn(fields, 'nextHop'),
        // Without the epoch a request that is executed late could hit the next owner.
        epoch: textIn(fields, 'epoch'),
        actor: c.get('user'),
        why: textIn(fields, 'why'),
      };
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await mgm.adminRelease(target));
    })
    .post('/:router/evict', async (c) => {
      const fields = await body(c);
      const target = {
        session: numberIn(fields, 'session'),
        actor: c.get('user'),
        why: textIn(fields, 'why'),
      };
      const mgm = await routers.client(c.req.param('router'));
      const evicted: Evicted = { released: await mgm.adminEvict(target) };
      return c.json(evicted);
    })
    .post('/:router/limits', async (c) => {
      const fields = await body(c);
      const limits = {
        ifIndex: numberIn(fields, 'ifIndex'),
        nextHop: textIn(fields, 'nextHop'),
        maxGroups: numberIn(fields, 'maxGroups'),
        maxEntries: numberIn(fields, 'maxEntries'),
        lite: flagIn(fields, 'lite'),
        actor: c.get('user'),
        why: textIn(fields, 'why'),
      };
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await mgm.adminSetInterface(limits));
    })
    .post('/:router/static/add', async (c) => {
      const target = await staticTarget(c);
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await mgm.adminAddMembership(target));
    })
    .post('/:router/static/delete', async (c) => {
      const target = await staticTarget(c);
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await mgm.adminDeleteMembership(target));
    });
}

/** @throws BadParameter */
async function staticTarget(c: Context<{ Variables: Variables }>) {
  const fields = await body(c);
  return {
    ifIndex: numberIn(fields, 'ifIndex'),
    nextHop: textIn(fields, 'nextHop'),
    group: textIn(fields, 'group'),
    source: textIn(fields, 'source'),
    actor: c.get('user'),
    why: textIn(fields, 'why'),
  };
}
