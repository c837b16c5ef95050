// Whether the best key store of this machine can be used, and how it gets a better one.

import type { KeyStoreView } from '@holdfast/protocol/door/wire';
import { betterStore, isSoftware, keyStoreName, kernelDevices, type TpmDevices } from '../status/key-stores.ts';
import { fail, ok, warn, type Check } from './check.ts';

/** `stores` as the daemon has them, the best first. */
export function keyStoreChecks(stores: readonly KeyStoreView[], devices: TpmDevices = kernelDevices): Check[] {
  return stores
    .filter((each, index) => index === 0 || !isSoftware(each))
    .map(({ level, label, state, message, next }) => {
      const name = `keys-${level.split(',')[0] ?? level}`;
      const called = keyStoreName(level, label);
      if (state === 'slow')
        return warn(name, `${called} answers slowly`, 'see what else uses it; if it stays so: npm start again');
      if (state !== 'ready')
        return fail(name, `${called} cannot be used: ${message ?? state}`, next ?? 'bring it back, then: npm start');
      if (!isSoftware({ level })) return ok(name, `new keys are made in ${called}`);
      return warn(name, `new keys are made in ${called}: whoever copies what custody holds has them`, betterStore(devices));
    });
}
