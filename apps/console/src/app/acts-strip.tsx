// What was just done here, and how far it has come. What failed stays until somebody has read it.

import { createMemo, For, onCleanup, Show, type JSX } from 'solid-js';
import { Icon, type IconName } from '../design/icon.tsx';
import type { ShownAct } from '../fleet/acts.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { hasArrived, isShown, wayOf, type Reach } from './act-words.ts';
import './acts-strip.css';
import { useConsole } from './console.tsx';

const icons = {
  confirming: 'key-round',
  working: 'arrow-right',
  done: 'check',
  failed: 'circle-alert',
} as const satisfies Record<ShownAct['stage']['kind'], IconName>;

interface ActsStripProps {
  readonly fleet: Fleet;
  readonly reachOf: (position: number) => Reach | undefined;
}

export function ActsStrip(props: ActsStripProps): JSX.Element {
  const { nowMs } = useConsole();
  const reach = ({ stage }: ShownAct): Reach | undefined =>
    stage.kind === 'done' && stage.position !== undefined ? props.reachOf(stage.position) : undefined;
  /** By act: when the last agent had it. Whoever waits for that sees it, however long it took. */
  const arrivals = new Map<number, number>();
  const isStillShown = (act: ShownAct): boolean => {
    const far = reach(act);
    if (hasArrived(act, far) && !arrivals.has(act.id)) arrivals.set(act.id, nowMs());
    return isShown(act, nowMs(), far, arrivals.get(act.id));
  };
  const shown = createMemo(() => props.fleet.acts().filter(isStillShown), [], { equals: sameActs });
  return (
    <Show when={shown().length > 0}>
      <section class="acts" role="log" aria-label="What you did" ref={leaveRoomFor}>
        <ul class="acts-list">
          <For each={shown()}>
            {(act) => (
              <li class="act" classList={{ 'act-failed': act.stage.kind === 'failed' }}>
                <span class="act-icon">
                  <Icon name={icons[act.stage.kind]} />
                </span>
                <div class="act-words">
                  <p class="act-what" title={act.what}>
                    {act.what}
                  </p>
                  <p class="act-way">{wayOf(act, reach(act))}</p>
                  <Show when={act.stage.kind === 'failed' && act.stage.error}>
                    {(error) => (
                      <p class="act-error">
                        {error().message}
                        {error().next === undefined ? '' : `; ${error().next}`} <span class="mono">{error().code}</span>
                      </p>
                    )}
                  </Show>
                </div>
                <Show when={act.stage.kind === 'failed'}>
                  <button type="button" class="act-away" onClick={() => props.fleet.putAway(act.id)}>
                    <span class="unseen">Put away: {act.what}</span>
                    <Icon name="x" />
                  </button>
                </Show>
              </li>
            )}
          </For>
        </ul>
      </section>
    </Show>
  );
}

/** The page can be scrolled as far as it takes to see what this covers. */
function leaveRoomFor(strip: HTMLElement): void {
  const { style } = document.documentElement;
  const sizes = new ResizeObserver(() => style.setProperty('--acts', `${strip.offsetHeight}px`));
  sizes.observe(strip);
  onCleanup(() => {
    sizes.disconnect();
    style.removeProperty('--acts');
  });
}

function sameActs(one: readonly ShownAct[], other: readonly ShownAct[]): boolean {
  return one.length === other.length && one.every((act, at) => act === other[at]);
}
