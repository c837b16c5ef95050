// Which rows of a long list are made: those that are seen, and a few around them.

export interface RowWindow {
  readonly first: number;
  /** Behind the last. */
  readonly end: number;
}

const around = 6;

export function windowOfRows(count: number, rowHeight: number, scrolled: number, height: number): RowWindow {
  const first = Math.max(0, Math.min(count, Math.floor(scrolled / rowHeight)) - around);
  const end = Math.min(count, Math.ceil((scrolled + height) / rowHeight) + around);
  return { first: Math.min(first, end), end };
}
