import { encodeMessage } from '../src/mod.ts';
import { asyncApi, entry, type Example } from './async-api.ts';
import { code } from './wire-fields.ts';

const HEX_BYTES_PER_LINE = 32;

function hexText(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_BYTES_PER_LINE) {
    const line = [...bytes.subarray(at, at + HEX_BYTES_PER_LINE)];
    lines.push(line.map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}

const PUBLISHED: ReadonlySet<string> = new Set(['callback', 'ask', 'hint', 'event', 'membership']);

/** The subject of a message, with the values of the examples. */
function destination(message: string): string {
  const [kind = '', type = ''] = message.split('.');
  if (kind === 'refusal' || kind === 'answer' || message.endsWith('.reply')) return '*reply*';
  const isPublished = PUBLISHED.has(kind) && !message.endsWith('.request');
  const channel = isPublished ? kind : message.replace(/\.request$/, '');
  const address = entry(asyncApi.channels, channel).address ?? '';
  return code(
    address
      .replace('{router}', 'r1')
      .replace('{session}', '1795360064929550')
      .replace('{type}', type),
  );
}

function exampleText(message: string, { name, summary, payload }: Example): string {
  return [
    `**${name}** (${destination(message)})${summary ? `: ${summary}` : ''}`,
    `\`\`\`json\n${JSON.stringify(payload)}\n\`\`\``,
    `\`\`\`hex\n${hexText(encodeMessage(payload))}\n\`\`\``,
  ].join('\n\n');
}

/** Every example of docs/asyncapi.yaml: subject, JSON, and bytes. */
export function examples(): string {
  return Object.entries(asyncApi.components.messages)
    .flatMap(([message, all]) => all.examples.map((example) => exampleText(message, example)))
    .join('\n\n');
}
