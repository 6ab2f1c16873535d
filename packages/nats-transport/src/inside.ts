/** The inside of a connection of the `nats` package, which speaks its protocol; `undefined` where this client has none. */
export function protocolOf(connection: object): object | undefined {
  const protocol: unknown = 'protocol' in connection ? connection.protocol : undefined;
  return typeof protocol === 'object' && protocol !== null ? protocol : undefined;
}
