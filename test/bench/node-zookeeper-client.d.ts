/** The part that is used here; the package has no types. */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';

  interface Client extends EventEmitter {
    connect(): void;
    close(): void;
    create(
      path: string,
      data: Buffer,
      mode: number,
      done: (error: Error | null | undefined, path: string) => void,
    ): void;
    remove(path: string, done: (error: Error | null | undefined) => void): void;
  }
  const zookeeper: {
    createClient(servers: string): Client;
    readonly CreateMode: { readonly EPHEMERAL: number };
  };
  export default zookeeper;
}
