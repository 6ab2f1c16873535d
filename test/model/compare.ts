/**
 * The first difference between a reply and the model, or `undefined`. Only the fields of the model are compared: a field that is
 * `undefined` must be absent, `reason` may be a list of alternatives, and other lists must have the same length.
 */
export function firstDifference(actual: unknown, expected: unknown, path = ''): string | undefined {
  if (isRecord(expected)) {
    if (!isRecord(actual)) return difference(path, actual, expected);
    return firstOf(Object.keys(expected), (key) =>
      differenceIn(actual, expected, key, path === '' ? key : `${path}.${key}`),
    );
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return difference(path, actual, expected);
    if (actual.length !== expected.length) return difference(path, actual, expected);
    return firstOf([...expected.keys()], (at) =>
      firstDifference(actual[at], expected[at], `${path}[${at}]`),
    );
  }
  return Object.is(actual, expected) ? undefined : difference(path, actual, expected);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The lead of the real clock over the model's: the running time of the test, far below any step of the model. */
const RUNNING_TIME_MS = 25_000;

function differenceIn(
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
  key: string,
  path: string,
): string | undefined {
  const [is, should] = [actual[key], expected[key]];
  if (key === 'reason' && Array.isArray(should)) {
    return should.includes(is) ? undefined : difference(path, is, should);
  }
  if (key === 'expiresInMs' && typeof is === 'number' && typeof should === 'number') {
    const isNear = is <= should && is > should - RUNNING_TIME_MS;
    return isNear ? undefined : difference(path, is, should);
  }
  return firstDifference(is, should, path);
}

function firstOf<Item>(
  items: readonly Item[],
  differenceOf: (item: Item) => string | undefined,
): string | undefined {
  for (const item of items) {
    const found = differenceOf(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function difference(path: string, actual: unknown, expected: unknown): string {
  return `${path || 'it'} is ${JSON.stringify(actual)}, the model says ${JSON.stringify(expected)}`;
}
