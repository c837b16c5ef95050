// Each screen, loaded when it is first wanted. A folder of src/screens/ is a screen; its name is its route's.

import { lazy, type Component } from 'solid-js';
import { routes, type ScreenName } from './routes.ts';

const found = import.meta.glob<{ readonly default: Component }>('../screens/*/screen.tsx');

const screens = new Map(
  routes.flatMap(({ screen }) => {
    const load = found[`../screens/${screen}/screen.tsx`];
    return load === undefined ? [] : [[screen, lazy(load)] as const];
  }),
);

export function screenOf(name: ScreenName): Component | undefined {
  return screens.get(name);
}

export function hasScreen(name: ScreenName): boolean {
  return screens.has(name);
}
