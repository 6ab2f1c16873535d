/** How much of everything is measured. */
export interface Size {
  /** Sessions that are kept alive. */
  readonly sessions: number;
  /** For how long, in s. */
  readonly seconds: number;
  /** Interfaces of the session that dies, and of the one that is weighed. */
  readonly interfaces: number;
  /** How often sweeps and takes are measured; medians are told. */
  readonly rounds: number;
}
