import { LuaSourceError, type Case, type LuaSource } from './lua-source.ts';

/** A table that begins with a string is a reply or an outcome, and so is a string constant. */
const TAGGED = /(?:\{ |local [A-Z_]+ = )'([a-z_]+)'/g;

/** Throws if an operation returns a tag that its header does not declare, or declares one that is never returned. */
export function checkTags(operation: LuaSource, libraries: readonly LuaSource[]): void {
  const unions = new Map([operation, ...libraries].flatMap((source) => [...source.unions]));
  const declared = new Set(
    [...expand(operation.replies, unions), ...[...operation.unions.values()].flat()].flatMap(
      (one) => (one.kind === 'case' ? [one.tag] : []),
    ),
  );
  const own = tagsReturnedBy(operation);
  const reachable = new Set([...own, ...libraries.flatMap((library) => tagsReturnedBy(library))]);
  for (const tag of own) {
    if (!declared.has(tag))
      throw new LuaSourceError(operation.path, 1, `returns undeclared '${tag}'`);
  }
  for (const tag of declared) {
    if (!reachable.has(tag)) throw new LuaSourceError(operation.path, 1, `never returns '${tag}'`);
  }
}

function tagsReturnedBy({ code }: LuaSource): string[] {
  return [...code.matchAll(TAGGED)].map((match) => match[1] ?? '');
}

/** Replaces every spread by the cases of its union. */
export function expand(
  cases: readonly Case[],
  unions: ReadonlyMap<string, readonly Case[]>,
): readonly Case[] {
  return cases.flatMap((one) => (one.kind === 'case' ? [one] : (unions.get(one.union) ?? [])));
}
