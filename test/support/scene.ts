import type { Callback, EventMessage } from './raw-operations.ts';
import { ok } from './raw-replies.ts';
import { Protocols, type RawRouter, type RawSession, type RawWatch } from './raw-client.ts';
import type { Stage } from './stage.ts';

/** The three clients of table 4.1 of the MGM semantics: P, Q and IGMP. */
export type Role = 'pim' | 'dvmrp' | 'igmp';
export const ROLES: readonly Role[] = ['pim', 'dvmrp', 'igmp'];

/** States of one interface, with P = pim and Q = dvmrp. */
export type State = 'S0' | 'S1' | 'S2(pim)' | 'S3(pim)' | 'S2(dvmrp)' | 'S3(dvmrp)';

/** The clients that take the interface, in order, to bring it from S0 into a state without a callback. */
const WAYS: Readonly<Record<State, readonly Role[]>> = {
  S0: [],
  S1: ['igmp'],
  'S2(pim)': ['pim'],
  'S3(pim)': ['pim', 'igmp'],
  'S2(dvmrp)': ['dvmrp'],
  'S3(dvmrp)': ['dvmrp', 'igmp'],
};

/** The positions of the log and the mailboxes at some instant. */
export interface Mark {
  readonly rev: number;
  readonly mailboxes: Readonly<Record<Role, number>>;
}

/** P, Q and IGMP, registered in this order on a router of their own, and one interface. */
export class Scene {
  readonly ifIndex = 7;
  readonly router: RawRouter;
  readonly watch: RawWatch;
  readonly clients: Readonly<Record<Role, RawSession>>;

  constructor(router: RawRouter, watch: RawWatch, clients: Record<Role, RawSession>) {
    this.router = router;
    this.watch = watch;
    this.clients = clients;
  }

  /** Brings the interface from S0 into `state`. */
  async reach(state: State): Promise<void> {
    for (const role of WAYS[state]) ok(await this.clients[role].take(this.ifIndex));
  }

  /** The state according to `owner`. */
  async state(): Promise<string> {
    const owner = await this.router.owner(this.ifIndex);
    if (owner.status !== 0) return owner.status === 1168 ? 'S0' : `refused: ${owner.reason}`;
    if (owner.session === this.clients.igmp.session) return 'S1';
    const role = ROLES.find((one) => this.clients[one].session === owner.session);
    return `${owner.igmp ? 'S3' : 'S2'}(${role})`;
  }

  async mark(): Promise<Mark> {
    const { pim, dvmrp, igmp } = this.clients;
    const lastOf = async (client: RawSession): Promise<number> =>
      ok(await client.keepalive()).mailbox;
    return {
      rev: await this.router.rev(),
      mailboxes: { pim: await lastOf(pim), dvmrp: await lastOf(dvmrp), igmp: await lastOf(igmp) },
    };
  }

  eventsSince(mark: Mark): Promise<EventMessage[]> {
    return this.router.eventsAfter(mark.rev);
  }

  callbacksSince(mark: Mark, role: Role): Promise<readonly Callback[]> {
    return this.clients[role].mailbox(mark.mailboxes[role]);
  }
}

/** Registers the three clients on a new router and brings the interface into `state`. */
export async function enter(stage: Stage, state: State = 'S0'): Promise<Scene> {
  const router = stage.router();
  const watch = router.watch();
  const pim = await router.register({ protocolId: Protocols.pim, name: 'pim-1' });
  const dvmrp = await router.register({ protocolId: Protocols.dvmrp, name: 'dvmrp-1' });
  const igmp = await router.register({ protocolId: Protocols.igmp, name: 'igmp-1' });
  const scene = new Scene(router, watch, { pim, dvmrp, igmp });
  await scene.reach(state);
  return scene;
}
