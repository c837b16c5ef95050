// What every screen is given: this browser, the fleet while its key is unlocked, where one is, the time.

import { createContext, createEffect, createSignal, onCleanup, useContext, type Accessor, type JSX } from 'solid-js';
import { ticking } from '../design/now-ticks.ts';
import { browserWake } from '../fleet/browser-wake.ts';
import { openFleet, type Fleet } from '../fleet/fleet.ts';
import { browserPorts, pageClock } from '../fleet/ports.ts';
import { keepOn } from '../fleet/wake.ts';
import type { ThisBrowser } from '../keys/this-browser.ts';
import type { Config } from './config.ts';
import { openConfirmations, type Confirmations } from './confirmations.ts';
import type { Router } from './router.ts';

export interface Console {
  readonly browser: ThisBrowser;
  /** Undefined while the key is locked, or there is none. */
  readonly fleet: Accessor<Fleet | undefined>;
  /** Without query and fragment: `location` has those. */
  readonly path: Accessor<string>;
  go(path: string, how?: { readonly replace?: boolean }): void;
  /** Ticks each second. */
  readonly nowMs: Accessor<number>;
  readonly config: Config;
}

const Context = createContext<Console & { readonly confirmations: Confirmations }>();

export function useConsole(): Console {
  return context();
}

export function useConfirmations(): Confirmations {
  return context().confirmations;
}

function context(): Console & { readonly confirmations: Confirmations } {
  const found = useContext(Context);
  if (found === undefined) throw new Error('no console around this');
  return found;
}

interface OpenConsoleProps {
  readonly browser: ThisBrowser;
  readonly router: Router;
  readonly config: Config;
  readonly children: JSX.Element;
}

export function OpenConsole(props: OpenConsoleProps): JSX.Element {
  const { browser, router, config } = props;
  const confirmations = openConfirmations();
  const [fleet, setFleet] = createSignal<Fleet>();

  let openedWith = browser.session.unlocked;
  const follow = (): void => {
    const { unlocked } = browser.session;
    const open = fleet();
    if (open !== undefined && unlocked === openedWith) return;
    openedWith = unlocked;
    confirmations.refuseAll();
    open?.end();
    const { confirm } = confirmations;
    const opened = (now: NonNullable<typeof unlocked>): Fleet => {
      const ports = browserPorts(browser.store());
      return openFleet({ ports, clock: pageClock, unlocked: now, confirm, lastKnown: browser.lastKnown(now) });
    };
    setFleet(unlocked && opened(unlocked));
  };
  onCleanup(browser.session.listen(follow));
  follow();

  createEffect(() => {
    const open = fleet();
    if (open?.connection().kind === 'live') void keepOn(open.session().relay, browserWake).catch(() => undefined); // what it is shows in Settings
  });

  const tryNow = (): void => {
    if (!document.hidden && fleet()?.connection().kind === 'lost') fleet()?.tryNow();
  };
  addEventListener('online', tryNow);
  document.addEventListener('visibilitychange', tryNow);
  onCleanup(() => {
    removeEventListener('online', tryNow);
    document.removeEventListener('visibilitychange', tryNow);
    fleet()?.end();
  });

  const value = { browser, fleet, path: router.path, go: router.go, nowMs: ticking, config, confirmations };
  return <Context.Provider value={value}>{props.children}</Context.Provider>;
}
