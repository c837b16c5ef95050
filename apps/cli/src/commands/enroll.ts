// `holdfast enroll`: this machine asks to be admitted. Shows what a person carries to the operator, and waits.

import { HoldfastError } from '@holdfast/protocol/errors';
import { DoorCall, findHome } from '../door-client.ts';
import { duration, type Output, usage, visible } from '../output.ts';
import { openAt, shownTo, type ConsoleOptions } from '../pairing-shown.ts';
import { keyStoreName } from '../status/key-stores.ts';

interface EnrollOptions extends ConsoleOptions {
  readonly scope: string;
  readonly relay?: string;
  readonly custody?: string;
  readonly may?: readonly string[];
}

/** The relay that `npm start` runs on this machine. */
export function localRelay(): string {
  return `http://127.0.0.1:${process.env['HOLDFAST_PORT'] || '7433'}`;
}

/** Whether the software store is sealed is not chosen here. Throws `usage`, `key_store_absent`. */
export function parseStore(typed: string | undefined): 'tpm' | 'pkcs11' | 'software' | undefined {
  if (typed === undefined || typed === 'tpm' || typed === 'pkcs11' || typed === 'software') return typed;
  if (typed === 'secure-enclave')
    throw new HoldfastError('key_store_absent', 'the Secure Enclave is in Macs, and no daemon of ours runs there yet', {
      next: 'use --custody tpm, pkcs11 or software; a program for it, never compiled: apps/custody/secure-enclave/README.md',
    });
  throw new HoldfastError('usage', `there is no key store ${typed}`, { next: 'use --custody tpm, pkcs11 or software' });
}

export async function enroll(output: Output, options: EnrollOptions): Promise<void> {
  const custody = parseStore(options.custody);
  const call = await DoorCall.open(findHome());
  try {
    const { scope, relay } = options;
    const wrong = options.may?.find((each) => !/^[a-z0-9][a-z0-9._:-]{0,63}$/.test(each));
    if (wrong !== undefined) throw usage(`${wrong} is no capability: small letters, digits, and . _ : -`);
    call.send({
      kind: 'enroll',
      scope,
      ...(relay !== undefined && { relay }),
      ...(custody !== undefined && { custody }),
      ...(options.may !== undefined && { may: [...options.may] }),
    });
    for await (const reply of call.replies()) {
      if (reply.kind === 'enroll-offer') {
        const { code, url, words, expiresAtMs, custody, label } = reply;
        // [CLI-7]
        output.result({ code, url, words, expiresAtMs, custody, ...(label !== undefined && { label }) }, [
          ...(await shownTo(output, openAt(url, 'pair', options))),
          ...offerLines(url, code, words),
          `  its keys are in:         ${visible(keyStoreName(custody, label))}`,
          '',
          `waiting for the operator, for ${duration(expiresAtMs - Date.now())} at most …`,
        ]);
      } else if (reply.kind === 'enroll-done') {
        const { agent, fleet, fleetName, scope, custody } = reply;
        output.result({ agent, fleet, fleetName, scope, custody }, [
          `enrolled as ${scope} of ${visible(fleetName)}; keys: ${keyStoreName(custody)}`,
        ]);
        return;
      }
    }
    throw new HoldfastError('daemon_unreachable', 'the daemon went away before the enrolment was done', {
      next: 'start it again: npm start; then holdfast enroll',
    });
  } finally {
    call.close();
  }
}

function offerLines(url: string, code: string, words: readonly string[]): string[] {
  return [`  ${url}`, '', `  on the operator's side:  holdfast approve ${code}`, `  and type these words:    ${words.join(' ')}`];
}
