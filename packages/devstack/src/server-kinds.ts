/** How a kind of server is started and when it is ready. */
export interface ServerKind {
  readonly name: 'redis' | 'nats';
  readonly scheme: 'redis' | 'nats';
  /** The port it listens on inside its container. */
  readonly containerPort: number;
  /** The line of its output when it accepts connections. */
  readonly readyLine: RegExp;
  /** The line of its output if the port is taken. */
  readonly portTakenLine: RegExp;
  /** Arguments of the process: address, port and data folder. */
  processArgs(at: { port: number; dir: string }): string[];
  /** The command inside the container, before the caller's arguments. */
  readonly containerCommand: readonly string[];
}

/** One server to start. */
export interface ServerRequest {
  readonly kind: ServerKind;
  readonly args: readonly string[];
  /** Kept after the server ends. Default: a temporary folder. */
  readonly dataDir?: string;
  /** The required port. Default: any free port. */
  readonly port?: number;
}

export const REDIS: ServerKind = {
  name: 'redis',
  scheme: 'redis',
  containerPort: 6379,
  readyLine: /Ready to accept connections/,
  portTakenLine: /Address already in use|Failed listening on port/i,
  processArgs: ({ port, dir }) => ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir],
  containerCommand: ['redis-server'],
};

export const NATS: ServerKind = {
  name: 'nats',
  scheme: 'nats',
  containerPort: 4222,
  readyLine: /Server is ready/,
  portTakenLine: /address already in use/i,
  processArgs: ({ port, dir }) => ['-a', '127.0.0.1', '-p', String(port), '-sd', dir],
  // The images put "nats-server" before arguments that begin with a dash.
  containerCommand: ['-a', '0.0.0.0'],
};
