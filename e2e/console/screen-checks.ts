// What a screen must be for whoever looks at it and touches it: nothing cut off, nothing over another thing, and each thing large enough for a finger. Looked
// at from inside the page, as the browser laid it out.

import type { Visitor } from '@holdfast/testkit/browser';

/** Throws with each fault that is seen. `isPhone`: the main act is where a thumb hits it. */
export async function assertWellLaid({ page }: Visitor, isPhone: boolean): Promise<void> {
  const faults = await page.evaluate(look, isPhone);
  if (faults.length > 0) throw new Error(`${new URL(page.url()).pathname}:\n${faults.join('\n')}`);
}

/** Runs in the page: it knows nothing of this module. */
function look(isPhone: boolean): string[] {
  const faults: string[] = [];
  const told = (element: Element): string =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> ${(element.textContent ?? '').trim().slice(0, 60)}`;
  const top = document.querySelector('[role="dialog"], [role="alertdialog"]') ?? document.body;
  const isSeen = (element: Element): boolean =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    element.closest('.unseen, .shell-skip') === null;
  const all = [...top.querySelectorAll('*')].filter(isSeen);

  // Cut off: wider than the box that hides the rest of it, or past the window.
  for (const element of all) {
    if (!(element instanceof HTMLElement) || element.tagName === 'TEXTAREA' || element.tagName === 'INPUT') continue;
    const { overflowX, overflowY, textOverflow, webkitLineClamp } = getComputedStyle(element);
    // an ellipsis stands in rows alone, and each row opens the whole
    const isRow = textOverflow === 'ellipsis' && element.closest('a') !== null;
    if (!isRow && element.clientWidth > 0 && overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1)
      faults.push(`cut or scrolls to the side: ${told(element)} (${element.scrollWidth} in ${element.clientWidth} px)`);
    if (
      element.clientHeight > 0 &&
      (overflowY === 'hidden' || overflowY === 'clip') &&
      webkitLineClamp === 'none' &&
      element.scrollHeight > element.clientHeight + 1
    )
      faults.push(`cut below: ${told(element)} (${element.scrollHeight} in ${element.clientHeight} px)`);
    const { left, right, width } = element.getBoundingClientRect();
    if (width > 0 && (left < -1 || right > innerWidth + 1))
      faults.push(`out of the window: ${told(element)} (${left} to ${right})`);
  }

  // Over each other: lines of text of two things, neither of which holds the other.
  const lines: { readonly of: Element; readonly at: DOMRect }[] = [];
  const words = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  for (let node = words.nextNode(); node !== null; node = words.nextNode()) {
    const of = node.parentElement;
    if (of === null || (node.textContent ?? '').trim() === '' || !isSeen(of)) continue;
    if (of.closest('.shell-foot, .acts, textarea, svg, option, .virtual-list') !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const at of range.getClientRects()) if (at.width > 1 && at.height > 1) lines.push({ of, at });
  }
  for (const [index, one] of lines.entries())
    for (const other of lines.slice(index + 1)) {
      if (one.of === other.of || one.of.contains(other.of) || other.of.contains(one.of)) continue;
      const across = Math.min(one.at.right, other.at.right) - Math.max(one.at.left, other.at.left);
      const down = Math.min(one.at.bottom, other.at.bottom) - Math.max(one.at.top, other.at.top);
      if (across > 2 && down > Math.min(one.at.height, other.at.height) / 2)
        faults.push(`over each other: ${told(one.of)} and ${told(other.of)}`);
    }

  // What a finger hits: a link in a sentence is as high as its line, and a box is hit by its label.
  for (const element of all) {
    if (!element.matches('a[href], button, input, select, textarea, summary, [role="tab"]')) continue;
    if (element.matches('a') && getComputedStyle(element).display === 'inline') continue;
    const hit = element instanceof HTMLInputElement && /^(checkbox|radio)$/.test(element.type) ? element.labels?.[0] : undefined;
    const { width, height } = (hit ?? element).getBoundingClientRect();
    if (width < 24 || height < 24) faults.push(`too small for a finger: ${told(element)} (${width} × ${height})`);
    if (isPhone && element.matches('.button-primary') && height < 44)
      faults.push(`the main act is low: ${told(element)} (${height})`);
  }
  return faults;
}
