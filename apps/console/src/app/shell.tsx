// What stands around every screen.

import type { JSX } from 'solid-js';

export function Shell(): JSX.Element {
  return (
    <main>
      <h1>Holdfast</h1>
    </main>
  );
}
