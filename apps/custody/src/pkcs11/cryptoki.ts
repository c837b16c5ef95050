// The part of PKCS#11 that custody uses, through the add-on `pkcs11js` (optional, built by `npm run addon:pkcs11`), and what a module's return
// values mean here. PKCS#11 2.40; names and numbers are its.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { HoldfastError } from '@holdfast/protocol/errors';

/** Opaque: a session or an object, by the module's name for it. */
export type Handle = Buffer;
export interface Attribute {
  readonly type: number;
  readonly value?: Buffer | boolean | number;
}
interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: { readonly type: number; readonly kdf: number; readonly publicData: Buffer };
}

/** As pkcs11js 2.1.7 has it. Every method throws its `Pkcs11Error`: a message, and the return value as `code`. */
export interface Cryptoki {
  load(path: string): void;
  C_Initialize(): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string; readonly flags: number };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_Login(session: Handle, user: number, pin: string): void;
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle };
  C_GetAttributeValue(session: Handle, object: Handle, wanted: readonly Attribute[]): { readonly value: Buffer }[];
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, max: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Sign(session: Handle, data: Buffer, signature: Buffer): Buffer;
  C_DeriveKey(session: Handle, mechanism: Mechanism, key: Handle, template: readonly Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
}

export const ckf = { serialSession: 4, rwSession: 2, tokenInitialized: 0x400, finalTry: 0x20_000, pinLocked: 0x40_000 } as const;
export const cku = { user: 1 } as const;
export const cko = { publicKey: 2, privateKey: 3, secretKey: 4 } as const;
export const ckk = { ec: 3, genericSecret: 0x10 } as const;
export const ckm = { ecKeyPairGen: 0x1040, ecdsa: 0x1041, ecdh1Derive: 0x1050 } as const;
export const ckd = { null: 1 } as const;
/** How pkcs11js names the parameters of an ECDH. */
export const ecdhParameters = 6;
export const cka = {
  class: 0x00,
  token: 0x01,
  private: 0x02,
  label: 0x03,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  encrypt: 0x104,
  decrypt: 0x105,
  wrap: 0x106,
  unwrap: 0x107,
  sign: 0x108,
  verify: 0x10a,
  derive: 0x10c,
  valueLength: 0x161,
  extractable: 0x162,
  local: 0x163,
  neverExtractable: 0x164,
  alwaysSensitive: 0x165,
  ecParameters: 0x180,
  ecPoint: 0x181,
} as const;

/** What a module says when it has lost us, or we it: nothing was done, and it may be begun anew. */
const lostValues: ReadonlySet<number> = new Set([
  ...[0x03, 0x05, 0x30, 0x32], // slot id invalid, general error, device error, device removed
  ...[0x60, 0x82], // key handle invalid, object handle invalid
  ...[0xb0, 0xb3, 0x101], // session closed, session handle invalid, user not logged in
  ...[0xe0, 0xe1, 0x190], // token not present, token not recognized, not initialized
]);
/** PIN incorrect, invalid, of a length that no PIN has. */
const wrongPinValues: ReadonlySet<number> = new Set([0xa0, 0xa1, 0xa2]);
const pinExpired = 0xa3;
const pinLocked = 0xa4;
const pinNotSet = 0x102;

/** The token went away, or what we had in it: whoever asked may begin anew. */
export class TokenLost extends HoldfastError {}

/** Does one thing with the module; what it throws is one of ours. */
export function asked<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw faultOf(thrown);
  }
}

function faultOf(thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const value = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' ? thrown.code : -1;
  const said = value < 0 ? 'it says nothing that PKCS#11 knows' : `return value 0x${value.toString(16)}`;
  if (lostValues.has(value)) return new TokenLost('key_store_absent', `the PKCS#11 token does not answer any more (${said})`);
  if (wrongPinValues.has(value))
    return new HoldfastError('pin_wrong', `the PKCS#11 token refuses the PIN (${said}); it is not tried again`, {
      next: 'put the right PIN into the file and start again; wrong ones lock the token',
    });
  if (value === pinLocked || value === pinExpired || value === pinNotSet)
    return new HoldfastError('key_store_locked', `the PKCS#11 token takes no PIN: locked, expired or not set (${said})`, {
      next: "set a PIN with the security officer's: pkcs11-tool --init-pin, or the maker's own tool",
    });
  return new HoldfastError('key_store_failed', `the PKCS#11 module refused a call (${said})`);
}

/** Loads add-on and module. Throws `key_store_absent`: what is missing, and what to do. */
export async function loadCryptoki(addon: string, module: string): Promise<Cryptoki> {
  const entry = join(addon, 'index.js');
  if (!existsSync(entry))
    throw new HoldfastError('key_store_absent', 'the PKCS#11 add-on is not built here', {
      next: 'npm run addon:pkcs11, in the clone; then start again',
    });
  try {
    const loaded = (await import(pathToFileURL(entry).href)) as { readonly default: { readonly PKCS11: new () => Cryptoki } };
    const cryptoki = new loaded.default.PKCS11();
    cryptoki.load(module);
    return cryptoki;
  } catch (cause) {
    throw new HoldfastError('key_store_absent', `the PKCS#11 module ${module} cannot be loaded`, {
      cause,
      next: 'name a module that is there: npm start -- --pkcs11-module PATH',
    });
  }
}
