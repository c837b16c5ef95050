// Events as those of the Open Cybersecurity Schema Framework, version 1.6.0, spec/audit-export.md. What the schema has no place for stands in
// `unmapped`, whole.

import { jsonLine } from '@holdfast/protocol/codec/json-line';
import type { AuditEvent, RecordedRequest } from '@holdfast/protocol/audit/event';
import { readAct } from '@holdfast/protocol/audit/act';
import { classOf } from '@holdfast/protocol/audit/classes';
import { weightOf } from '@holdfast/protocol/audit/sentence';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Exported, LogName } from './exported.ts';

const ocsfVersion = '1.6.0';

/** Class ids; the category is their thousands. */
const classes = {
  base: 0,
  process: 1007,
  finding: 2004,
  account: 3001,
  authentication: 3002,
  authorizeSession: 3003,
  entity: 3004,
  userAccess: 3005,
  http: 4002,
  lifecycle: 6002,
  api: 6003,
} as const;
const other = 99;

const product = { name: 'Holdfast', vendor_name: 'Holdfast' };
const severities = { alarm: 4, refusal: 3, plain: 1 } as const;
const methods = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'TRACE', 'PATCH'];

/** Class, activity, and the fields that the class asks for. */
interface Mapped {
  readonly class: keyof typeof classes;
  readonly activity: number;
  readonly fields?: object;
}

const userOf = (event: AuditEvent) => ({ uid: toHex(event.agent), type_id: other, type: 'Agent' });
const sessionOf = (event: AuditEvent) =>
  'session' in event && event.session !== undefined ? { session: { uid: toHex(event.session) } } : {};
/** A child acts in the agent's name: it is the one that does it. */
const actorOf = (event: AuditEvent) => ({
  user: userOf(event),
  ...sessionOf(event),
  ...('child' in event && event.child !== undefined && { app_uid: toHex(event.child) }),
});
const sourceOf = (event: AuditEvent) => ({ svc_name: 'holdfast', instance_uid: toHex(event.run) });

function apiCall(event: AuditEvent, operation: string, request?: Uint8Array): Mapped {
  return {
    class: 'api',
    activity: other,
    fields: {
      actor: actorOf(event),
      api: { operation, service: { name: 'holdfast' }, ...(request !== undefined && { request: { uid: toHex(request) } }) },
      src_endpoint: sourceOf(event),
      ...('item' in event && { resources: [{ uid: toHex(event.item), type: 'credential' }] }),
    },
  };
}

function httpCall(event: AuditEvent, { method, host, port, path }: RecordedRequest): Mapped {
  const at = methods.indexOf(method);
  return {
    class: 'http',
    activity: at < 0 ? other : at + 1,
    fields: {
      actor: actorOf(event),
      http_request: { http_method: method, url: { hostname: host, port, ...(path !== undefined && { path }) } },
      src_endpoint: sourceOf(event),
      dst_endpoint: { hostname: host, port },
    },
  };
}

const privilege = (event: AuditEvent, activity: 1 | 2, name: string): Mapped => ({
  class: 'userAccess',
  activity,
  fields: { user: userOf(event), privileges: [name] },
});
const account = (event: AuditEvent, activity: number): Mapped => ({
  class: 'account',
  activity,
  fields: { user: userOf(event) },
});
const entity = (name: string, version: number | string): Mapped => ({
  class: 'entity',
  activity: 3,
  fields: { entity: { name, type: 'policy', version: String(version) } },
});
const lifecycle = (activity: number, version?: string): Mapped => ({
  class: 'lifecycle',
  activity,
  fields: { app: { ...product, ...(version !== undefined && { version }) } },
});
const authentication = (event: AuditEvent, activity: number, service: string): Mapped => ({
  class: 'authentication',
  activity,
  fields: { user: userOf(event), ...sessionOf(event), service: { name: service } },
});

function toolCall(event: Extract<AuditEvent, { kind: 'tool-call' }>): Mapped {
  const { command } = readAct(event.act);
  if (event.tool !== 'shell' || command === undefined) return apiCall(event, event.name, event.call);
  return {
    class: 'process',
    activity: 1,
    fields: {
      actor: actorOf(event),
      device: { type_id: 0, type: 'Unknown', uid: toHex(event.run) },
      process: { uid: event.toolUse, cmd_line: command },
    },
  };
}

/** [EXPORT-4] */
function mappedOf(event: AuditEvent): Mapped {
  if (classOf[event.kind] === 'alarm') {
    const finding_info = { title: event.kind, uid: `${toHex(event.agent)}-${event.sequence}` };
    return { class: 'finding', activity: 1, fields: { finding_info, is_alert: weightOf(event) === 'alarm' } };
  }
  switch (event.kind) {
    case 'granted':
      return privilege(event, 1, `vault:use:${event.name}`);
    case 'grant-ended':
      return privilege(event, 2, `grant:${toHex(event.grant)}`);
    case 'egress-allowed':
      return privilege(event, 1, `egress:${event.host}:${event.port}`);
    case 'egress-ended':
      return privilege(event, 2, `egress:${toHex(event.rule)}`);
    case 'minted': {
      const user = userOf(event);
      return {
        class: 'authorizeSession',
        activity: 1,
        fields: { user, ...sessionOf(event), privileges: [`vault:use:${event.name}`] },
      };
    }
    case 'delegated': {
      const user = { uid: toHex(event.child), name: event.name, type_id: other, type: 'Agent' };
      const privileges = event.capabilities.length === 0 ? ['none'] : event.capabilities;
      return { class: 'authorizeSession', activity: 1, fields: { user, ...sessionOf(event), privileges } };
    }
    case 'refused':
    case 'request':
      return httpCall(event, event.request);
    case 'tool-call':
      return toolCall(event);
    case 'session-start':
      return authentication(event, 1, 'holdfast');
    case 'session-end':
    case 'child-end':
      return authentication(event, 2, 'holdfast');
    case 'presented':
      return authentication(event, other, event.audience);
    case 'daemon-start':
      return lifecycle(3, event.version);
    case 'daemon-stop':
      return lifecycle(4);
    case 'enrolled':
      return account(event, 1);
    case 'agent-resumed':
      return account(event, 2);
    case 'agent-suspended':
      return account(event, 5);
    case 'revoked':
      return account(event, 6);
    case 'keys-changed':
      return account(event, other);
    case 'audit-policy':
      return entity('audit-policy', event.version);
    case 'pruned':
      return entity('audit-log', event.below);
    case 'erased':
      return entity('audit-subject', event.subject);
    case 'rules-set':
      return entity('rules', event.version);
    case 'bedrock-changed':
      return entity('bedrock', event.version);
    default:
      return apiCall(event, event.kind);
  }
}

/** One event, as a line of JSON with its line feed. [EXPORT-4] */
export function ocsfLine({ fleet, agent }: LogName, { event, leaf, withheld }: Exported): string {
  const mapped: Mapped = withheld ? { class: 'base', activity: other } : mappedOf(event);
  const { kind, atMs, sequence } = event;
  const weight = weightOf(event);
  const class_uid = classes[mapped.class];
  return `${jsonLine({
    activity_id: mapped.activity,
    ...(mapped.activity === other && { activity_name: kind }),
    category_uid: Math.floor(class_uid / 1000),
    class_uid,
    type_uid: class_uid * 100 + mapped.activity,
    time: atMs,
    severity_id: severities[weight],
    status_id: weight === 'refusal' ? 2 : 1,
    message: kind,
    metadata: {
      version: ocsfVersion,
      product,
      uid: leaf,
      event_code: kind,
      sequence,
      log_name: 'audit',
      log_provider: `holdfast/${toHex(fleet)}/${toHex(agent)}`,
    },
    ...mapped.fields,
    unmapped: withheld ? { withheld } : event,
  })}\n`;
}
