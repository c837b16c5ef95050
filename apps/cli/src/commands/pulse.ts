// `holdfast pulse`: the operator is here. Without one for longer than the fleet allows, no agent gets a handle.

import { duration, type Output } from '../output.ts';
import { asOperator } from '../operator/session.ts';

export async function pulse(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  await asOperator(output, options, async (session) => {
    await session.pulse();
    const { pulseMaxAgeMs } = session.state;
    output.result({ fleet: session.facts.fleet, validForMs: pulseMaxAgeMs }, [
      `the fleet may mint for another ${duration(pulseMaxAgeMs)}`,
    ]);
  });
}
