/** What `INFO` of Redis or Valkey says, as far as it matters here. */
export interface ServerInfo {
  /** `redis 7.0.15` */
  readonly server: string;
  readonly product: 'redis' | 'valkey';
  readonly major: number;
  readonly isReplica: boolean;
  /** Of a replica: `host:port` of its primary. */
  readonly primary: string;
  /** Bytes; 0 for no limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
  readonly hasAof: boolean;
  readonly lastAofWrite: string;
  /** Which history of changes the offsets count. */
  readonly replicationId: string;
  /** How far its own changes reach. */
  readonly offset: number;
  /** How far each replica that is in touch has said it is. */
  readonly replicaOffsets: readonly number[];
}

/** Reads the text of `INFO`. What is missing reads as 0 or as empty text. */
export function readServerInfo(text: string): ServerInfo {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  const word = (name: string) => fields.get(name) ?? '';
  const number = (name: string) => Number(fields.get(name) ?? 0);
  const product = fields.has('valkey_version') ? 'valkey' : 'redis';
  const version = word(`${product}_version`);
  return {
    server: `${product} ${version}`,
    product,
    major: Number.parseInt(version, 10) || 0,
    isReplica: word('role') === 'slave',
    primary: `${word('master_host')}:${word('master_port')}`,
    maxMemory: number('maxmemory'),
    evictionPolicy: word('maxmemory_policy'),
    hasAof: word('aof_enabled') === '1',
    lastAofWrite: word('aof_last_write_status'),
    replicationId: word('master_replid'),
    offset: number('master_repl_offset'),
    replicaOffsets: [...fields].flatMap(([name, value]) =>
      /^slave[0-9]+$/.test(name) ? onlineOffset(value) : [],
    ),
  };
}

/** `ip=127.0.0.1,port=7402,state=online,offset=42,lag=0` */
function onlineOffset(replica: string): number[] {
  const parts = new Map(replica.split(',').map((part) => [part.split('=')[0], part.split('=')[1]]));
  return parts.get('state') === 'online' ? [Number(parts.get('offset') ?? 0)] : [];
}
