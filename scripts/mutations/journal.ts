// Controls of journal, relay and what comes from other machines: THREAT_MODEL.md, J.

import { onEntries } from './journal/entries.ts';
import { onFreshness } from './journal/freshness.ts';
import { onMembers } from './journal/members.ts';
import { onOtherMachines } from './journal/other-machines.ts';
import { onRelay } from './journal/relay.ts';
import type { Area } from './mutation.ts';

export const journal: Area = {
  mutations: [...onRelay, ...onEntries, ...onFreshness, ...onMembers, ...onOtherMachines],
  exceptions: {},
};
