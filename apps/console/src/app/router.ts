// The way through the console: addresses are real ones, links are links. After each way the new page's heading has the focus and the page begins at its
// top; back leads to where one was.

import { createSignal, type Accessor } from 'solid-js';

export interface Router {
  readonly path: Accessor<string>;
  /** How often somebody went somewhere: what begins with a way listens to it. */
  readonly ways: Accessor<number>;
  /** `path` may have a query and a fragment. */
  go(path: string, how?: { readonly replace?: boolean }): void;
}

export function openRouter(): Router {
  const [path, setPath] = createSignal(location.pathname);
  const [ways, setWays] = createSignal(0);
  history.scrollRestoration = 'manual';

  const go: Router['go'] = (to, { replace = false } = {}) => {
    const url = new URL(to, location.href);
    if (url.origin !== location.origin) throw new Error('not an address of the console');
    if (replace) history.replaceState(null, '', url);
    else {
      keepScroll();
      history.pushState(null, '', url);
    }
    const isElsewhere = url.pathname !== path();
    const before = headingNow();
    setPath(url.pathname);
    if (!isElsewhere) return;
    scrollTo(0, 0);
    focusHeading(before);
    setWays((count) => count + 1);
  };

  document.addEventListener('click', (event) => {
    const link = linkOf(event);
    if (link === undefined) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
  addEventListener('popstate', ({ state }: PopStateEvent) => {
    const isElsewhere = location.pathname !== path();
    const before = headingNow();
    setPath(location.pathname);
    setWays((count) => count + 1);
    if (!isElsewhere) return;
    focusHeading(before, () => scrollTo(0, scrollOf(state)));
  });
  return { path, ways, go };
}

/** A link that this page follows by itself: here, in this window, by a plain click. */
function linkOf(event: MouseEvent): HTMLAnchorElement | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined;
  const link = event.composedPath().find((element) => element instanceof HTMLAnchorElement);
  if (link === undefined || link.origin !== location.origin || link.hasAttribute('download')) return undefined;
  if (link.target !== '' && link.target !== '_self') return undefined;
  const isPlaceOfThisPage = link.hash !== '' && link.pathname === location.pathname && link.search === location.search;
  return isPlaceOfThisPage ? undefined : link;
}

function keepScroll(): void {
  history.replaceState({ ...(history.state as object | null), scrolled: scrollY }, '');
}

function scrollOf(state: unknown): number {
  const { scrolled } = (state ?? {}) as { readonly scrolled?: unknown };
  return typeof scrolled === 'number' ? scrolled : 0;
}

/** How long a screen may take to be loaded; whoever waits longer looks elsewhere. */
const headingWithinMs = 5_000;
let stopWaiting: () => void = () => {};

/** Of the innermost page in sight, as soon as it is another than `before`: a screen that was loaded already is there at once. */
function focusHeading(before: Heading, then: () => void = () => {}): void {
  stopWaiting();
  const look = (): boolean => {
    const { element, text } = headingNow();
    if (element === undefined || (element === before.element && text === before.text)) return false;
    element.focus({ preventScroll: true });
    then();
    return true;
  };
  if (look()) return;
  const watcher = new MutationObserver(() => {
    if (look()) stopWaiting();
  });
  const timer = setTimeout(() => stopWaiting(), headingWithinMs);
  stopWaiting = () => {
    watcher.disconnect();
    clearTimeout(timer);
  };
  watcher.observe(document.body, { childList: true, characterData: true, subtree: true });
}

/** One page may be shown for several things: then its words alone change. */
interface Heading {
  readonly element: HTMLElement | undefined;
  readonly text: string | null | undefined;
}

function headingNow(): Heading {
  const element = [...document.querySelectorAll<HTMLElement>('h1')].findLast((heading) => heading.checkVisibility());
  return { element, text: element?.textContent };
}
