// One clock for all that shows time: it ticks once a second while somebody looks, and at once when they look again.

import { createSignal, type Accessor } from 'solid-js';

const [nowMs, setNowMs] = createSignal(Date.now());

let timer: ReturnType<typeof setTimeout> | undefined;

function tick(): void {
  setNowMs(Date.now());
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(tick, 1_000 - (Date.now() % 1_000));
}

document.addEventListener('visibilitychange', tick);
tick();

export const ticking: Accessor<number> = nowMs;
