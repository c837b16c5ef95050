// Controls around credentials: THREAT_MODEL.md, C.

import { onEndings } from './credentials/endings.ts';
import { onFences } from './credentials/fences.ts';
import { onHandles } from './credentials/handles.ts';
import { onReplies } from './credentials/replies.ts';
import { onRequests } from './credentials/requests.ts';
import type { Area } from './mutation.ts';

export const credentials: Area = {
  mutations: [...onRequests, ...onReplies, ...onHandles, ...onEndings, ...onFences],
  exceptions: {},
};
