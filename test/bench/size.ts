/** How much of everything is measured. */
export interface Size {
  /** Rounds that count; medians are told. */
  readonly rounds: number;
  /** Takes of one round of a fast contender; slow ones make fewer. */
  readonly takes: number;
  /** Takes one by one, each after the answer to the one before. */
  readonly lone: number;
  /** So many before them do not count: V8 goes on compiling for long where little is going on. */
  readonly loneWarmUp: number;
  /** For how long a load at a given rate lasts, in s. */
  readonly openLoopSeconds: number;
  /** Owned interfaces of the routers that are compared; the first is what the others are measured by. */
  readonly tables: readonly number[];
  /** Sessions that are kept alive. */
  readonly sessions: number;
  /** For how long they are, in s. */
  readonly keepSeconds: number;
  /** How long others are left to themselves before it counts what they do, in s. */
  readonly settleSeconds: number;
  /** Interfaces of the session that dies. */
  readonly dying: number;
  /** For how long the manager's memory is watched under load, in minutes. */
  readonly minutes: number;
  /** Requests sent at once to a manager that has no room for them. */
  readonly flood: number;
}

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
};

/** About two minutes: good for a look, not for the record. */
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
};

/** Seconds: whether everything runs, not how fast. */
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
};
