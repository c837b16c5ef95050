// Vault items and grants as the journal carries them, spec/vault.md. An item is what operators keep; a granted item is what one agent may
// use: the same terms, and the secret sealed to that agent alone. Neither holds a secret in the clear.

import { bytes, bytesUpTo, optional, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { principalId } from '../keys/public-keys.ts';
import { attach, maxSecretBytes } from './attach.ts';
import { fence } from './fence.ts';

export const itemId = bytes(16);
export const grantId = bytes(16);
export const itemName = text({ min: 1, max: 64, pattern: /^[a-z0-9][a-z0-9._-]*$/ });

/** Variables that the session sets itself or that change how programs load: a placeholder there would break it or be misread. */
const refusedVariables: ReadonlySet<string> = new Set([
  'ALL_PROXY',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'HOME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_USE_ENV_PROXY',
  'NO_PROXY',
  'PATH',
  'PWD',
  'REQUESTS_CA_BUNDLE',
  'SHELL',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TERM',
  'TMPDIR',
]);

/** The variable that holds the placeholder inside a session. */
export const envName = refine(text({ min: 1, max: 64, pattern: /^[A-Za-z_][A-Za-z0-9_]*$/ }), (name, path) => {
  const upper = name.toUpperCase();
  if (refusedVariables.has(upper) || upper.startsWith('LD_') || upper.startsWith('HOLDFAST_')) {
    throw new HoldfastError('codec_shape', `${path}: the variable ${name} is taken`); // [VAULT-3]
  }
  return name;
});

/** What a credential is for, in the operator's words, one line: agents are shown it. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
export const itemPurpose = text({ min: 1, max: 256, pattern: /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/ }); // [VAULT-15]

/** What HPKE makes of a secret: KEM 0x0050's encapsulation (ML-KEM-768 ciphertext ‖ P-256 point) and AES-256-GCM with its tag. */
const sealedSecret = record({ encapsulated: bytes(1088 + 65), ciphertext: bytesUpTo(maxSecretBytes + 16) });

/** Body of `item-add`, beside the secret itself (audience `operators`). */
export const vaultItem = record({
  id: itemId,
  name: itemName,
  purpose: optional(itemPurpose),
  attach,
  fence,
  env: optional(envName),
}); // [VAULT-1] [VAULT-2]
export type VaultItem = Infer<typeof vaultItem>;

/** Who may use what, and within which fence: what an operator signs of a grant by itself. */
export const grantTerms = {
  grant: grantId,
  item: itemId,
  name: itemName,
  purpose: optional(itemPurpose),
  agent: principalId,
  attach,
  fence,
  env: optional(envName),
};

/** Body of `grant` (audience `agent:<id>`). Without `sealed` it is approved per use: the secret stays sealed to the operators. [VAULT-13] */
export const grantedItem = record({ ...grantTerms, sealed: optional(sealedSecret) }); // [VAULT-7]
export type GrantedItem = Infer<typeof grantedItem>;
