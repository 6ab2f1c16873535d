import { isRecord } from './compare.ts';
import type { Request } from './vocabulary.ts';

/** A request and its reply in one line of text. */
export function tell(request: Request, reply: unknown): string {
  return `${said(request)} -> ${fieldsOf(reply)}`;
}

function said(request: Request): string {
  if (request.kind === 'register') {
    const { pair, instance, ttlMs, graceMs, takeover } = request;
    const how = `${takeover ? ', takeover' : ''}, ttl ${ttlMs} ms, grace ${graceMs} ms`;
    return `${pair.name} registers as ${instance.replace(/^-+/, '')}${how}`;
  }
  const { kind, ...fields } = request;
  const parts = Object.entries(fields).map(([name, value]) => `${name} ${inWords(name, value)}`);
  return `${kind} ${parts.join(', ')}`;
}

function inWords(name: string, value: unknown): string {
  if (name === 'handle' && isRecord(value)) {
    const forged = value['forgedAt'] === undefined ? '' : ` forged at ${String(value['forgedAt'])}`;
    return `of session ${String(value['session'])}${forged}`;
  }
  return short(JSON.stringify(value));
}

/** The relevant fields of a reply. */
function fieldsOf(reply: unknown): string {
  if (!isRecord(reply)) return String(reply);
  const told = ['status', 'reason', 'session', 'epoch', 'current', 'resumed', 'owned', 'field'];
  const parts = told.flatMap((name) =>
    reply[name] === undefined || reply[name] === '' ? [] : [`${name} ${String(reply[name])}`],
  );
  const { results } = reply;
  const each = Array.isArray(results) ? [`[${results.map(fieldsOf).join('; ')}]`] : [];
  return short([...parts, ...each].join(', '));
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
