// Every control that `npm run mutate` switches off, by the sections of THREAT_MODEL.md.

import { audit } from './audit.ts';
import { consoleKeys } from './console-keys.ts';
import { consoleServed } from './console-served.ts';
import { crash } from './crash.ts';
import { credentials } from './credentials.ts';
import { custody } from './custody.ts';
import { guard } from './guard.ts';
import { guarded } from './guarded.ts';
import { journal } from './journal.ts';
import { identity } from './identity.ts';
import type { Area } from './mutation.ts';
import { operator } from './operator.ts';
import { rules } from './rules.ts';
import { session } from './session.ts';
import { supply } from './supply.ts';
import { witness } from './witness.ts';

/** @public The runner and the check import that of the tree that they look at. */
export const catalogue: readonly Area[] = [
  session,
  credentials,
  guard,
  guarded,
  rules,
  operator,
  custody,
  consoleKeys,
  consoleServed,
  identity,
  journal,
  audit,
  witness,
  crash,
  supply,
];
