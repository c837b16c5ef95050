// What entries say once opened, spec/journal.md: one format a kind, and the audience that each kind must be sealed for.

import { equalBytes, toHex, utf8 } from '../codec/bytes.ts';
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  optional,
  record,
  refine,
  text,
  union,
  type Infer,
} from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { subjectName } from '../audit/commitment.ts';
import { personalData } from '../audit/personal.ts';
import { policyVersion, retentionDays, silencedClasses } from '../audit/policy.ts';
import { maxDevices } from '../blind/access-list.ts';
import { head } from '../blind/entry.ts';
import { capability, custodyLevel, machineName, scopeName } from '../blind/pairing-offer.ts';
import { digest, principalId, publicKeys, signature, signPublicKey } from '../keys/public-keys.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import { recoveryIdOf } from '../identity/recovery.ts';
import { maxCredentialBytes } from '../identity/credential.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { maxBodyBytes } from '../seal/body.ts';
import { maxSecretBytes } from '../vault/attach.ts';
import { agentBudget, budgetId } from '../vault/budget.ts';
import { egressId, egressRule } from '../vault/egress.ts';
import { grantedItem, grantId, itemId, vaultItem } from '../vault/item.ts';

/** Shown to people, so it holds no control characters; never decided by. */
export const displayName = text({ min: 1, max: 64, pattern: /^[^\p{C}]+$/u });
const reason = text({ max: 256, pattern: /^[^\p{C}]*$/u });

/** Default of `pulseMaxAgeMs`. */
export const defaultPulseMaxAgeMs = 24 * 3_600_000;
/** A shorter one would stop a fleet whose operator blinks, a longer one is no bound. */
export const pulseMaxAge = integer({ min: 60_000, max: 30 * 24 * 3_600_000 });

/** An audience has devices, the recovery key and at most the agents of an access list. */
const maxMembers = maxDevices + 1 + 4096;
/** One link of a chain of devices. */
const maxLinkBytes = 2048;
/** One signed note of an audit log, with its session key's certificate. */
export const maxCheckpointBytes = 4096;

/** A rule set in UTF-8, its packs written out: leaves room for the rest of an entry. */
export const maxRulesBytes = 192 * 1024;
/** All of an agent's bedrock together fits one hook's output, which harnesses cut at 10,000 characters. */
export const maxBedrockCharacters = 8000;
export const maxBedrockTexts = 64;

export const rulesVersion = integer({ min: 1, max: 2 ** 32 });
export const rulesText = refine(text({ min: 1, max: maxRulesBytes }), (value, path) => {
  if (utf8(value).length <= maxRulesBytes) return value;
  throw new HoldfastError('codec_limit', `${path || 'rules'}: more than ${maxRulesBytes} bytes`);
});
export const bedrockId = bytes(16);
/** Goes into agents' context and onto terminals, so of control characters it holds line feeds and tabs alone. */
export const bedrockText = text({ min: 1, max: maxBedrockCharacters, pattern: /^(?:[\n\t]|[^\p{C}])+$/u });

export const deviceRecord = record({ id: principalId, name: displayName, keys: publicKeys });
const recoveryRecord = record({ id: principalId, keys: publicKeys });
/** The author's word for another device's key, as services take it: spec/credential.md. */
export const deviceLink = text({ min: 1, max: maxLinkBytes });
export const agentRecord = record({
  id: principalId,
  scope: scopeName,
  machine: machineName,
  keys: publicKeys,
  custody: custodyLevel,
  capabilities: list(capability, { max: 32 }),
});

const body = union({
  /** Makes the fleet; starts the epochs fleet/0 (its own) and operators/0, to whose key `operators` commits. */
  genesis: {
    name: displayName,
    device: deviceRecord,
    recovery: recoveryRecord,
    relay: record({ key: signPublicKey }),
    operators: digest,
    pulseMaxAgeMs: pulseMaxAge,
  },
  /** Starts the epoch that its statement names, under whose key it is sealed. `members` in ascending order. */
  epoch: { members: list(principalId, { min: 1, max: maxMembers }), previousKey: optional(bytes(48)) },
  'device-add': { device: deviceRecord, link: deviceLink },
  'device-remove': { device: principalId, reason },
  'device-rename': { device: principalId, name: displayName },
  /** By the recovery code alone, which it replaces: adds a device, removes others. `removed` in ascending order. */
  recover: { device: optional(deviceRecord), recovery: recoveryRecord, removed: list(principalId, { max: maxDevices }) },
  'agent-enroll': { agent: agentRecord, credential: bytesUpTo(maxCredentialBytes) },
  /** A new credential in place of the one before: what it says of the agent stays. */
  'agent-credential': { agent: principalId, credential: bytesUpTo(maxCredentialBytes) },
  /** Other keys for the same agent, in place of those that it had; `credential` is for them. */
  'agent-rotate': { agent: principalId, keys: publicKeys, custody: custodyLevel, credential: bytesUpTo(maxCredentialBytes) },
  /** Until it is resumed the agent may do nothing. */
  'agent-suspend': { agent: principalId, reason },
  'agent-resume': { agent: principalId },
  /** `last`: the last entry of the agent's topic that still counts; absent: none does. */
  'agent-revoke': { agent: principalId, last: optional(head), reason },
  /** One child of a live agent, by its id: it and all below it end. */
  'child-revoke': { agent: principalId, child: principalId, reason },
  'item-add': { item: vaultItem, secret: bytesUpTo(maxSecretBytes) },
  'item-remove': { item: itemId },
  /** `warrant`, here and below: the author's signature over what it says by itself, warrant.ts. */
  grant: { granted: grantedItem, warrant: signature },
  'grant-end': { grant: grantId },
  'egress-allow': { rule: egressRule },
  'egress-end': { rule: egressId },
  /** In place of the one before, which has the same id. */
  'budget-set': { budget: agentBudget },
  'budget-end': { budget: budgetId },
  /** `hash`: SHA-256 of the text in UTF-8. The version is one more than the one before. */
  'rules-set': { version: rulesVersion, text: rulesText, hash: digest, warrant: signature },
  /** What daemons record. The version is one more than the one before. */
  'audit-policy': {
    version: policyVersion,
    silenced: silencedClasses,
    retentionDays: optional(retentionDays),
    personal: optional(personalData),
  },
  /** What agents' logs hold of that subject can't be proven any more. */
  erase: { subject: subjectName },
  'bedrock-add': { id: bedrockId, text: bedrockText },
  'bedrock-remove': { id: bedrockId },
  /** In agents' topics: a signed checkpoint of the agent's audit log. */
  checkpoint: { checkpoint: bytesUpTo(maxCheckpointBytes) },
  /** In agents' topics: the agent has paired and read its fleet. */
  enrolled: {},
  /** In agents' topics: keys that the agent asks for in place of those that sign this. */
  'new-keys': { keys: publicKeys, custody: custodyLevel },
});
export type Body = Infer<typeof body>;
export type BodyOf<K extends Body['kind']> = Extract<Body, { kind: K }>;

/** Throws `codec_*`. The result holds copies. */
export function decodeBody(plain: Uint8Array): Body {
  return decode(body, plain, maxBodyBytes);
}

/** What a rule set's text must hash to. */
export function hashRules(primitives: Primitives, rules: string): Uint8Array {
  return primitives.sha256(utf8(rules));
}

/** Throws `rules_altered`, `device_invalid`. Every reader with the right key finds the same. [JOURNAL-24] [JOURNAL-31] */
export function assertWhole(primitives: Primitives, opened: Body): void {
  const device = opened.kind === 'device-add' || opened.kind === 'recover' ? opened.device : undefined;
  if (device !== undefined && !equalBytes(device.id, deviceIdOf(primitives, device.keys.sign)))
    throw new HoldfastError('device_invalid', 'the id of the device does not follow from its key'); // [JOURNAL-31]
  if (opened.kind === 'recover' && !equalBytes(opened.recovery.id, recoveryIdOf(primitives, opened.recovery.keys.sign)))
    throw new HoldfastError('device_invalid', 'the id of the recovery code does not follow from its key'); // [JOURNAL-31]
  if (opened.kind !== 'rules-set' || equalBytes(hashRules(primitives, opened.text), opened.hash)) return;
  throw new HoldfastError('rules_altered', 'the text of the rule set is not the one that its hash names');
}

/** Throws `codec_*` for a body that no reader would accept. */
export function encodeBody(value: Body): Uint8Array {
  const plain = encode(body, value);
  if (plain.length > maxBodyBytes) throw new HoldfastError('codec_limit', `body is longer than ${maxBodyBytes} bytes`);
  return plain;
}

/** The audience of an agent and the operators. */
export function agentAudience(agent: Uint8Array): string {
  return `agent:${toHex(agent)}`;
}

/** Hex id of the agent of an `agent:` audience; undefined for the others. */
export function agentOfAudience(audience: string): string | undefined {
  return audience.startsWith('agent:') ? audience.slice('agent:'.length) : undefined;
}

/** `own`: the audience of the agent that the entry concerns; `any`: an epoch starts in the audience that its statement names. */
export const audienceOfKind = {
  genesis: 'fleet',
  epoch: 'any',
  'device-add': 'fleet',
  'device-remove': 'fleet',
  'device-rename': 'fleet',
  recover: 'fleet',
  'agent-credential': 'fleet',
  'agent-enroll': 'fleet',
  'agent-resume': 'fleet',
  'agent-rotate': 'fleet',
  'agent-suspend': 'fleet',
  'agent-revoke': 'fleet',
  'child-revoke': 'fleet',
  'item-add': 'operators',
  'item-remove': 'operators',
  grant: 'own',
  'grant-end': 'own',
  'egress-allow': 'own',
  'egress-end': 'own',
  'budget-set': 'own',
  'budget-end': 'own',
  'rules-set': 'fleet',
  'audit-policy': 'fleet',
  erase: 'fleet',
  'bedrock-add': 'fleet',
  'bedrock-remove': 'fleet',
  checkpoint: 'own',
  enrolled: 'own',
  'new-keys': 'own',
} as const satisfies Record<Body['kind'], 'fleet' | 'operators' | 'own' | 'any'>;

/** Kinds that only agents write, each in its own topic; all others are operators' alone. */
export const agentKinds: ReadonlySet<Body['kind']> = new Set(['checkpoint', 'enrolled', 'new-keys']);
