// The thread in which rules are read and held against what agents did.

import { RulesWork, type RulesRequest } from './rules-work.ts';

/** The next message has its turn. */
const breath = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const work = new RulesWork(breath, (answer) => postMessage(answer));
addEventListener('message', ({ data }: MessageEvent<RulesRequest>) => void work.take(data));
