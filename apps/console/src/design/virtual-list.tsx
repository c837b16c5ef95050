// A list of any length: rows of one height, of which only those in sight exist. Keeps its place when rows come at its top.

import { createMemo, createSignal, For, onCleanup, onMount, createEffect, type JSX } from 'solid-js';
import './virtual-list.css';
import { windowOfRows } from './window-of-rows.ts';

interface VirtualListProps<T> {
  readonly items: readonly T[];
  /** CSS pixels. */
  readonly rowHeight: number;
  readonly row: (item: T, index: () => number) => JSX.Element;
  readonly label: string;
  /** The end is near: more may be read. */
  readonly onEnd?: () => void;
}

/** @public */
export function VirtualList<T>(props: VirtualListProps<T>): JSX.Element {
  let box: HTMLDivElement | undefined;
  let whole: HTMLDivElement | undefined;
  const [scrolled, setScrolled] = createSignal(0);
  const [height, setHeight] = createSignal(600);
  const shown = createMemo(() => windowOfRows(props.items.length, props.rowHeight, scrolled(), height()), undefined, {
    equals: (one, other) => one.first === other.first && one.end === other.end,
  });
  const rows = createMemo(() => props.items.slice(shown().first, shown().end));

  onMount(() => {
    if (box === undefined) return;
    const watched = box;
    const sizes = new ResizeObserver(() => setHeight(watched.clientHeight));
    sizes.observe(watched);
    onCleanup(() => sizes.disconnect());
  });
  createEffect<readonly T[]>((before) => {
    const { items, rowHeight } = props;
    if (whole !== undefined) setPixels(whole, '--whole', items.length * rowHeight); // first: nobody scrolls further than the list is long
    const first = before[0];
    // who reads further down stays where they read
    if (box !== undefined && first !== undefined && box.scrollTop > rowHeight) {
      const moved = items.indexOf(first);
      if (moved > 0) box.scrollTop += moved * rowHeight;
    }
    return items;
  }, props.items);
  createEffect(() => {
    if (props.items.length > 0 && shown().end === props.items.length) props.onEnd?.();
  });

  return (
    <div
      ref={(element) => (box = element)}
      class="virtual-list"
      role="list"
      aria-label={props.label}
      tabindex="0"
      onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
    >
      <div class="virtual-list-whole" role="presentation" ref={(element) => (whole = element)}>
        <For each={rows()}>
          {(item, index) => (
            <div
              class="virtual-list-row"
              role="listitem"
              aria-setsize={props.items.length}
              aria-posinset={shown().first + index() + 1}
              ref={(row) => {
                createEffect(() => setPixels(row, '--at', (shown().first + index()) * props.rowHeight));
                createEffect(() => setPixels(row, '--row', props.rowHeight));
              }}
            >
              {props.row(item, () => shown().first + index())}
            </div>
          )}
        </For>
      </div>
    </div>
  );
}

/** By the object model: the page's policy takes no style from markup. */
function setPixels(element: HTMLElement, name: string, value: number): void {
  element.style.setProperty(name, `${value}px`);
}
