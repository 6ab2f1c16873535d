/** Its fields that are there. */
export type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The same without what is `undefined`: that is not the same as absent, neither on the wire nor to TypeScript. */
export function absentLeftOut<Fields extends object>(fields: Fields): Present<Fields> {
  const present: Present<Fields> = {};
  for (const name in fields) {
    const value = fields[name];
    if (isPresent(value)) present[name] = value;
  }
  return present;
}

function isPresent<Value>(value: Value): value is Exclude<Value, undefined> {
  return value !== undefined;
}
