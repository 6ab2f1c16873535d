import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Variables } from '../access.ts';
import type { Evicted, InterfaceRef } from '../api.ts';
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
        ...interfaceIn(fields),
        // Without the epoch a request that is executed late could hit the next owner.
        epoch: textIn(fields, 'epoch'),
        ...operatorOf(c, fields),
      };
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await mgm.adminRelease(target));
    })
    .post('/:router/evict', async (c) => {
      const fields = await body(c);
      const target = {
        session: numberIn(fields, 'session'),
        ...operatorOf(c, fields),
      };
      const mgm = await routers.client(c.req.param('router'));
      const evicted: Evicted = { released: await mgm.adminEvict(target) };
      return c.json(evicted);
    })
    .post('/:router/limits', async (c) => {
      const fields = await body(c);
      const limits = {
        ...interfaceIn(fields),
        maxGroups: numberIn(fields, 'maxGroups'),
        maxEntries: numberIn(fields, 'maxEntries'),
        lite: flagIn(fields, 'lite'),
        ...operatorOf(c, fields),
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

type Request = Context<{ Variables: Variables }>;
type Fields = Readonly<Record<string, unknown>>;

/** Who acts, and why. @throws BadParameter */
function operatorOf(c: Request, fields: Fields) {
  return { actor: c.get('user'), why: textIn(fields, 'why') };
}

/** @throws BadParameter */
function interfaceIn(fields: Fields): InterfaceRef {
  return { ifIndex: numberIn(fields, 'ifIndex'), nextHop: textIn(fields, 'nextHop') };
}

/** @throws BadParameter */
async function staticTarget(c: Request) {
  const fields = await body(c);
  return {
    ...interfaceIn(fields),
    group: textIn(fields, 'group'),
    source: textIn(fields, 'source'),
    ...operatorOf(c, fields),
  };
}
