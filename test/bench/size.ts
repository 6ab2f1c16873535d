/** The amounts of a run. */
export interface Size {
  /** Number of rounds; medians are reported. */
  readonly rounds: number;
  /** Takes per round of a fast contender; slow ones make fewer. */
  readonly takes: number;
  /** Sequential takes, each after the reply to the one before. */
  readonly lone: number;
  /** Number of uncounted takes before them: V8 compiles late at a low rate. */
  readonly loneWarmUp: number;
  /** Duration of a load at a fixed rate, in s. */
  readonly openLoopSeconds: number;
  /** Owned interfaces of the compared routers; the first one is the reference. */
  readonly tables: readonly number[];
  /** Number of sessions that are kept alive. */
  readonly sessions: number;
  /** Duration of the keepalives, in s. */
  readonly keepSeconds: number;
  /** Duration of the load of other workers before it is measured, in s. */
  readonly settleSeconds: number;
  /** Interfaces of the session that ends. */
  readonly dying: number;
  /** Duration of the observation of the manager's memory under load, in minutes. */
  readonly minutes: number;
  /** Concurrent requests to a manager that has no room for them. */
  readonly flood: number;
  /** Group memberships of the routers that are measured. */
  readonly memberships: number;
  /** Only these parts of the scenario `membership`; absent: all. */
  readonly parts?: readonly MembershipPart[];
}

/** What the scenario `membership` measures, one after the other. */
export const MEMBERSHIP_PARTS = [
  'rates',
  'few',
  'many',
  'crowd',
  'single',
  'window',
  'restart',
  'end',
] as const;
export type MembershipPart = (typeof MEMBERSHIP_PARTS)[number];

/** About twelve minutes. */
export const FULL: Size = {
  rounds: 5,
  takes: 65_536,
  lone: 1_500,
  loneWarmUp: 25_000,
  openLoopSeconds: 4,
  tables: [1_000, 100_000, 1_000_000],
  sessions: 10_000,
  keepSeconds: 30,
  settleSeconds: 4,
  dying: 100_000,
  minutes: 0.75,
  flood: 20_000,
  memberships: 100_000,
};

/** About two minutes; not for the record. */
export const QUICK: Size = {
  rounds: 3,
  takes: 8_192,
  lone: 500,
  loneWarmUp: 3_000,
  openLoopSeconds: 2,
  tables: [1_000, 10_000, 100_000],
  sessions: 2_000,
  keepSeconds: 10,
  settleSeconds: 4,
  dying: 20_000,
  minutes: 0.2,
  flood: 10_000,
  memberships: 20_000,
};

/** Seconds: to test that every scenario runs. */
export const TINY: Size = {
  rounds: 1,
  takes: 512,
  lone: 20,
  loneWarmUp: 20,
  openLoopSeconds: 0.3,
  tables: [100, 200, 400],
  sessions: 50,
  keepSeconds: 1,
  settleSeconds: 0.5,
  dying: 600,
  minutes: 0.03,
  flood: 4_000,
  memberships: 600,
};
