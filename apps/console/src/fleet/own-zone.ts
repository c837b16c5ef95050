// Where the person in front of this browser sits: times are said in their zone.

import type { Reader } from '@holdfast/protocol/vault/sentence';

/** IANA */
export const ownZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const ownReader: Reader = { zone: ownZone };
