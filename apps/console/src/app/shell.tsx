// What stands around every screen: where one can go, whether what is shown is how it is now, what was just done. A phone has four places at its foot, a
// desk has all of them at its side.

import {
  createEffect,
  createMemo,
  createResource,
  createSignal,
  For,
  lazy,
  Match,
  Show,
  Suspense,
  Switch,
  type JSX,
} from 'solid-js';
import { Dynamic } from 'solid-js/web';
import { Button } from '../design/button.tsx';
import { Empty } from '../design/empty.tsx';
import { Icon } from '../design/icon.tsx';
import { Page } from '../design/page.tsx';
import type { Fleet } from '../fleet/fleet.ts';
import type { Connection } from '../fleet/live-fleet.ts';
import { ActsStrip } from './acts-strip.tsx';
import { ConnectionStrip } from './connection-strip.tsx';
import { useConfirmations, useConsole } from './console.tsx';
import { Failures } from './errors.tsx';
import { focusSearch, moveThroughRows, useShortcuts } from './keys.ts';
import { places, type Place } from './places.ts';
import { reachOf } from './reach.ts';
import { routeAt, routeFor, routeOf, type Route } from './routes.ts';
import { hasScreen, screenOf } from './screens.ts';
import './shell.css';

const Confirm = lazy(() => import('./confirm.tsx'));
const Help = lazy(() => import('./help.tsx'));

export function Shell(): JSX.Element {
  const { browser, fleet, path } = useConsole();
  const confirmations = useConfirmations();
  // anew after each lock and unlock: an unlock by another tab's new key is one as well
  const [record] = createResource(
    () => [fleet() !== undefined],
    () => browser.session.keys.record(),
  );
  const key = (): 'none' | 'locked' | 'open' => {
    if (fleet() !== undefined) return 'open';
    return record.latest === undefined ? 'none' : 'locked';
  };
  const route = createMemo(() => routeFor(path(), key()));
  createEffect(() => {
    const name = fleet()?.facts.fleetName;
    document.title = [route()?.title ?? 'No such page', name, 'Holdfast'].filter(Boolean).join(' · ');
  });
  return (
    <Show when={key() !== 'none' || record.state !== 'pending'}>
      <Show when={route()?.alone === undefined && fleet()} fallback={<Alone route={route()} />}>
        {(open) => <Around fleet={open()} route={route()} />}
      </Show>
      <Show when={confirmations.waiting()} keyed>
        {(waiting) => (
          <Suspense>
            <Confirm waiting={waiting} />
          </Suspense>
        )}
      </Show>
    </Show>
  );
}

function Alone(props: { readonly route: Route | undefined }): JSX.Element {
  return (
    <Failures>
      <Screen route={props.route} />
    </Failures>
  );
}

function Around(props: { readonly fleet: Fleet; readonly route: Route | undefined }): JSX.Element {
  const { browser, go, nowMs } = useConsole();
  const [helps, setHelps] = createSignal(false);
  const [wantedHelp, setWantedHelp] = createSignal(false);
  const help = (): void => {
    setWantedHelp(true);
    setHelps(true);
  };
  useShortcuts(
    'Go to',
    places.map(({ screen, word, key }) => ({ keys: `g ${key}`, does: word, run: () => go(routeOf(screen).path) })),
  );
  useShortcuts('Everywhere', [
    { keys: 'j', does: 'Next row', run: () => moveThroughRows(1) },
    { keys: 'k', does: 'Row before', run: () => moveThroughRows(-1) },
    { keys: '/', does: 'Search', run: focusSearch },
    { keys: '?', does: 'These keys', run: help },
  ]);
  return (
    <div class="shell">
      <a class="shell-skip" href="#main">
        To the page
      </a>
      <header class="shell-rail">
        <div class="shell-fleet">
          <p class="shell-fleet-name">{props.fleet.state()?.name ?? props.fleet.facts.fleetName}</p>
          <p class="shell-fleet-state">{wordOf(props.fleet.connection())}</p>
        </div>
        <nav aria-label="Places">
          <For each={places.filter(({ screen }) => hasScreen(screen))}>
            {(place) => <PlaceLink place={place} fleet={props.fleet} size={16} />}
          </For>
        </nav>
        <div class="shell-rail-end">
          <Button onClick={() => browser.session.lock()}>
            <Icon name="lock" />
            Lock
          </Button>
          <p class="shell-keys">
            <kbd>?</kbd> for keys
          </p>
        </div>
      </header>
      <main class="shell-main" id="main">
        <ConnectionStrip fleet={props.fleet} />
        <Failures>
          <Screen route={props.route} />
        </Failures>
      </main>
      <ActsStrip fleet={props.fleet} reachOf={(position) => reachOf(props.fleet, position, nowMs())} />
      <nav class="shell-foot" aria-label="Places">
        <For each={places.filter(({ foot, screen }) => foot === true && hasScreen(screen))}>
          {(place) => <PlaceLink place={place} fleet={props.fleet} size={20} />}
        </For>
        <PlaceLink place={{ screen: 'more', word: 'More', icon: 'ellipsis', key: '' }} fleet={props.fleet} size={20} />
      </nav>
      <Show when={wantedHelp()}>
        <Suspense>
          <Help open={helps()} onClose={() => setHelps(false)} />
        </Suspense>
      </Show>
    </div>
  );
}

function PlaceLink(props: { readonly place: Place; readonly fleet: Fleet; readonly size: 16 | 20 }): JSX.Element {
  const { path } = useConsole();
  const isHere = (): boolean => {
    const here = routeAt(path())?.screen;
    if (here === props.place.screen) return true;
    // what the foot has no room for stands under More
    return props.place.screen === 'more' && places.some(({ screen, foot }) => screen === here && foot !== true);
  };
  const waiting = (): number => {
    const at = props.size === 20 ? 'now' : 'approvals';
    return props.place.screen === at ? props.fleet.asks().length : 0;
  };
  return (
    <a class="shell-place" href={routeOf(props.place.screen).path} aria-current={isHere() ? 'page' : undefined}>
      <Icon name={props.place.icon} size={props.size} />
      <span>{props.place.word}</span>
      <Show when={waiting() > 0}>
        <span class="shell-count">
          {waiting()}
          <span class="unseen"> waiting</span>
        </span>
      </Show>
    </a>
  );
}

function Screen(props: { readonly route: Route | undefined }): JSX.Element {
  return (
    <Suspense fallback={<p class="unseen">Loading</p>}>
      <Switch
        fallback={
          props.route?.alone === undefined ? (
            <Nowhere />
          ) : (
            <main id="main">
              <Nowhere />
            </main>
          )
        }
      >
        <Match when={props.route && screenOf(props.route.screen)}>{(screen) => <Dynamic component={screen()} />}</Match>
      </Switch>
    </Suspense>
  );
}

function Nowhere(): JSX.Element {
  return (
    <Page title="No such page">
      <Empty title="There is nothing at this address.">
        <a href="/">Now</a>
      </Empty>
    </Page>
  );
}

function wordOf(connection: Connection): string {
  switch (connection.kind) {
    case 'connecting':
      return 'connecting…';
    case 'live':
      return 'live';
    case 'lost':
      return 'no connection';
    case 'refused':
      return 'stopped';
  }
}
