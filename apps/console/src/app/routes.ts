// The addresses of the console and the screen of each. Pure: screens are loaded by screens.ts.

export type ScreenName =
  | 'now'
  | 'agents'
  | 'approvals'
  | 'vault'
  | 'time'
  | 'rules'
  | 'bedrock'
  | 'audit'
  | 'devices'
  | 'freshness'
  | 'settings'
  | 'pair'
  | 'join'
  | 'welcome'
  | 'recover'
  | 'unlock'
  | 'more';

export interface Route {
  readonly screen: ScreenName;
  readonly title: string;
  /** Its address, and the beginning of those of its parts. */
  readonly path: string;
  /** A page of its own, without the navigation; undefined: a part of the open console. `always`: also while locked. */
  readonly alone?: 'always' | 'locked';
}

export const routes: readonly Route[] = [
  { screen: 'now', title: 'Now', path: '/' },
  { screen: 'agents', title: 'Agents', path: '/agents' },
  { screen: 'approvals', title: 'Approvals', path: '/approvals' },
  { screen: 'vault', title: 'Vault', path: '/vault' },
  { screen: 'time', title: 'Permissioned time', path: '/time' },
  { screen: 'rules', title: 'Rules', path: '/rules' },
  { screen: 'bedrock', title: 'Bedrock', path: '/bedrock' },
  { screen: 'audit', title: 'Audit', path: '/audit' },
  { screen: 'devices', title: 'Devices', path: '/devices' },
  { screen: 'freshness', title: 'Freshness', path: '/freshness' },
  { screen: 'settings', title: 'Settings', path: '/settings' },
  { screen: 'pair', title: 'Pair an agent', path: '/pair' },
  { screen: 'more', title: 'More', path: '/more' },
  { screen: 'join', title: 'Join a fleet', path: '/join', alone: 'always' },
  { screen: 'recover', title: 'Recover', path: '/recover', alone: 'always' },
  { screen: 'welcome', title: 'Welcome', path: '/welcome', alone: 'always' },
  { screen: 'unlock', title: 'Locked', path: '/unlock', alone: 'locked' },
];

/** Undefined: no such address. */
export function routeAt(path: string): Route | undefined {
  const clean = path.length > 1 ? path.replace(/\/+$/, '') : path;
  return routes.find((route) => clean === route.path || (route.path !== '/' && clean.startsWith(`${route.path}/`)));
}

export function routeOf(screen: ScreenName): Route {
  const found = routes.find((route) => route.screen === screen);
  if (found === undefined) throw new Error(`no route of ${screen}`);
  return found;
}

/** What is shown at an address: locked, and in a browser that has no key, little is. */
export function routeFor(path: string, key: 'none' | 'locked' | 'open'): Route | undefined {
  const asked = routeAt(path);
  if (asked?.alone === 'always') return asked;
  if (key === 'none') return routeOf('welcome');
  if (key === 'locked') return routeOf('unlock');
  return asked?.alone === 'locked' ? routeOf('now') : asked;
}
