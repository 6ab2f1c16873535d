/** What callers and managers need to know about an operation besides its fields. */
export interface OperationFlags {
  /** Leaves state, session and log as they are. */
  readonly reads?: true;
  /** Carries `seq` and `ack`; a repeated `seq` gets the stored reply. Wire contract section 3. */
  readonly sequenced?: true;
  /** A client may repeat it without knowing whether an earlier copy was executed. */
  readonly repeatable?: true;
  /** An unknown outcome does no harm: executed or not, the state is the same but for the lease. */
  readonly harmless?: true;
}

/** How a client checks a field of a reply. `unchecked`: optional, or not needed to go on. */
export type FieldCheck = 'text' | 'count' | 'positive' | 'list' | 'unchecked';

/** Every field of a reply, with its check; the compiler compares the names with the type. */
export type FieldChecks<Reply> = { readonly [Field in keyof Required<Reply>]: FieldCheck };

/** Reads change nothing, so they may also be repeated. */
export const READ = { reads: true, repeatable: true, harmless: true } as const;

/** The stored reply makes a repeated request harmless to the client, though not an unknown outcome. */
export const SEQUENCED = { sequenced: true, repeatable: true } as const;
