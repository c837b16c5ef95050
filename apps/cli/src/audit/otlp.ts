// Events as records of the OpenTelemetry logs data model in the JSON of OTLP, spec/audit-export.md: written by hand, because it is a page of it.

import { jsonLine } from '@holdfast/protocol/codec/json-line';
import { classOf } from '@holdfast/protocol/audit/classes';
import { weightOf } from '@holdfast/protocol/audit/sentence';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Exported, LogName } from './exported.ts';

/** Records of one request: far below what collectors take in one. */
export const otlpBatch = 256;

type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } }
  | { readonly kvlistValue: { readonly values: readonly Attribute[] } };
interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

/** Bytes are hex, integers decimal strings, as the mapping of 64-bit numbers to JSON has it. [EXPORT-2] */
function anyValue(value: unknown): AnyValue {
  if (value instanceof Uint8Array) return { stringValue: toHex(value) };
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly unknown[]).map(anyValue) } };
  if (typeof value === 'object' && value !== null) return { kvlistValue: { values: attributesOf(value, '') } };
  if (typeof value === 'boolean') return { boolValue: value };
  return typeof value === 'number' ? { intValue: String(value) } : { stringValue: String(value) };
}

function attributesOf(fields: object, before: string): Attribute[] {
  return Object.entries(fields as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ key: `${before}${name}`, value: anyValue(value) }));
}

const severities = {
  alarm: { severityNumber: 17, severityText: 'ERROR' },
  refusal: { severityNumber: 13, severityText: 'WARN' },
  plain: { severityNumber: 9, severityText: 'INFO' },
} as const;

/** Names that the semantic conventions have, beside our own. */
function conventional({ event }: Exported): object {
  const request = 'request' in event && 'host' in event.request ? event.request : undefined;
  return {
    ...('session' in event && { 'session.id': event.session }),
    ...(request !== undefined && {
      'http.request.method': request.method,
      'server.address': request.host,
      'server.port': request.port,
      'url.path': request.path,
    }),
  };
}

/** What began the act: the turn of a prompt, or the session itself. [AUDIT-50] */
function traced({ event, withheld }: Exported): object {
  const trace = ('trace' in event ? event.trace : undefined) ?? ('session' in event ? event.session : undefined);
  return trace === undefined || withheld ? {} : { traceId: toHex(trace) };
}

/** What stands in the record's own fields, or in the resource. */
const placed = new Set(['kind', 'v', 'agent', 'atMs']);

function recordOf(exported: Exported): object {
  const { event, leaf, withheld } = exported;
  const { kind, atMs, sequence } = event;
  const nanoseconds = `${atMs}000000`;
  const fields = Object.fromEntries(Object.entries(event).filter(([name]) => !placed.has(name)));
  return {
    timeUnixNano: nanoseconds,
    observedTimeUnixNano: nanoseconds,
    ...severities[weightOf(event)],
    eventName: `holdfast.${kind}`,
    ...traced(exported),
    body: { stringValue: kind },
    attributes: [
      ...attributesOf({ 'log.record.uid': leaf, 'holdfast.class': classOf[kind], 'holdfast.withheld': withheld }, ''),
      ...(withheld
        ? attributesOf({ sequence }, 'holdfast.')
        : [...attributesOf(conventional(exported), ''), ...attributesOf(fields, 'holdfast.')]),
    ],
  };
}

/** One ExportLogsServiceRequest, as a line of JSON with its line feed. [EXPORT-2] */
export function otlpLine({ fleet, agent }: LogName, events: readonly Exported[]): string {
  const resource = attributesOf({ 'service.name': 'holdfast', 'holdfast.fleet': fleet, 'holdfast.agent': agent }, '');
  const scopeLogs = [{ scope: { name: 'holdfast.audit', version: '1' }, logRecords: events.map(recordOf) }];
  return `${jsonLine({ resourceLogs: [{ resource: { attributes: resource }, scopeLogs }] })}\n`;
}
