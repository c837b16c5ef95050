// The focus is never nowhere: when what had it has gone from the page (a form that was sent, a card that was put away), it goes to the heading of the
// nearest part that is still there. Whoever works by keys goes on where they were, and whoever hears the page is told where that is.

/** For as long as the page is there. */
export function keepFocus(): void {
  /** What had it last, from the inside out. */
  let path: readonly Element[] = [];
  /** It was taken off the page, and may come back: a part that waits for what it needs is put away meanwhile. */
  let wasTaken = false;
  document.addEventListener('focusin', ({ target }) => {
    path = target instanceof Element ? ancestorsOf(target) : [];
    wasTaken = false;
  });
  new MutationObserver(() => {
    const [last] = path;
    if (document.activeElement !== document.body || last === undefined) return;
    if (last.isConnected) {
      if (wasTaken && last instanceof HTMLElement) last.focus({ preventScroll: true });
      return;
    }
    wasTaken = true;
    // a dialog that closes gives the focus back by itself
    if (document.querySelector('[role="dialog"], [role="alertdialog"]') !== null) return;
    const left = path.filter((element) => element.isConnected);
    for (const part of left) {
      const heading = headingOf(part);
      if (heading === undefined) continue;
      if (!heading.hasAttribute('tabindex')) heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      return;
    }
  }).observe(document.body, { childList: true, subtree: true });
}

function ancestorsOf(element: Element): Element[] {
  const path: Element[] = [];
  for (let at: Element | null = element; at !== null && at !== document.body; at = at.parentElement) path.push(at);
  return path;
}

function headingOf(part: Element): HTMLElement | undefined {
  return [...part.querySelectorAll<HTMLElement>('h1, h2, h3')].find((heading) => heading.checkVisibility());
}
