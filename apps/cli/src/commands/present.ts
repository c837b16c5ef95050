// `holdfast present`: a proof of who this machine's agent is, for one service, once. And `holdfast root`: what a service has to know to verify it.

import { rootJson, type TrustedRoot } from '@holdfast/protocol/audit/proofs';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { rootOf } from '@holdfast/protocol/identity/credential';
import { trustedRootOf } from '@holdfast/protocol/journal/proofs-of';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { usage, type Output } from '../output.ts';

interface PresentOptions {
  readonly audience: string;
  readonly nonce?: string;
  readonly scope: string;
  readonly show?: readonly string[];
}

export async function present(output: Output, options: PresentOptions): Promise<void> {
  const { audience, nonce, scope, show = ['capabilities'] } = options;
  if (!/^[\x21-\x7e]{1,512}$/.test(audience)) throw usage('--audience takes the address of the service, without spaces');
  if (nonce !== undefined && !/^[\x21-\x7e]{16,256}$/.test(nonce))
    throw usage('--nonce takes what the service gave out: 16 to 256 printable characters');
  const request = { kind: 'present', scope, audience, show: [...show], ...(nonce !== undefined && { nonce }) } as const;
  const made = await askDaemon(findHome(), request, 'presentation');
  const { presentation, agent, shown, expiresAtMs } = made;
  output.result({ presentation, agent, audience, nonce: made.nonce, shown, expiresAtMs }, [presentation]);
}

export async function root(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  const show = (view: string, roots: readonly TrustedRoot[]): void => {
    const shown = roots.map(rootJson);
    if (shown.length === 0)
      throw new HoldfastError('agent_unknown', 'this machine knows no fleet', { next: 'enroll it, or ask the operator' });
    output.result(
      { view, roots: shown },
      shown.map((each) => JSON.stringify(each)),
    );
  };
  if (options.passphraseFile === undefined) {
    const { roots } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    const known = roots.map(({ fleet, key, removed = [] }) => ({ root: rootOf(toHex(fleet), key), removed }));
    return show('machine', known);
  }
  await asOperator(output, options, async ({ state }) => show('operator', [trustedRootOf(state)]));
}
