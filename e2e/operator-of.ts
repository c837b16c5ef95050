// The operator of an installation, as a device in this process: what a bench needs to know of the fleet, and to write into it, without a command each time.

import path from 'node:path';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Installation } from '@holdfast/testkit/installation';
import { overWebSocket } from '@holdfast/testkit/over-web-socket';
import { operatorFacts, unlockOperator } from '../apps/cli/src/operator/key-file.ts';

/** Remembers nothing: it is over with the bench. The caller disconnects it. */
export async function operatorOf(holdfast: Installation, onPush: (push: RelayPush) => void = () => {}): Promise<OperatorSession> {
  const operator = path.join(holdfast.home, 'operator');
  const facts = operatorFacts(operator);
  const holder = await unlockOperator(operator, utf8('correct horse battery staple'));
  const forget = async (): Promise<void> => undefined;
  const nothing = async (): Promise<undefined> => undefined;
  const store = {
    ...{ seen: nothing, unsent: nothing, approvedBefore: nothing, remember: forget, forgetSeen: forget, keepUnsent: forget },
    ...{ forgetUnsent: forget, keepApproved: forget, takeTurn: async () => () => undefined },
  };
  const connect = (url: string, bound: object) => connectRelay(url, { ...overWebSocket, ...bound });
  return new OperatorSession(await readFleet({ primitives, nowMs: Date.now, store, connect }, facts, holder, { onPush }));
}
