/** A safety check, the edit that removes it, and the tests that must fail without it. */
export interface Mutation {
  /** The check, in the terms of the contract. */
  readonly check: string;
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[];
}
