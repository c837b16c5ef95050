// The thread in which shipped logs are opened and verified. It ends with the unlocked key; nothing of it is written anywhere.

import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { LogWork, type LogRequest } from './log-work.ts';

const work = new LogWork(
  webPrimitives,
  () => performance.now(),
  (answer) => postMessage(answer),
);
addEventListener('message', ({ data }: MessageEvent<LogRequest>) => void work.take(data));
