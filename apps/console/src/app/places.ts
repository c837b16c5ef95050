// Where the navigation leads: what a phone has at its foot, and what a desk has at its side.

import type { IconName } from '../design/icon.tsx';
import type { ScreenName } from './routes.ts';

export interface Place {
  readonly screen: ScreenName;
  /** As the navigation has it. */
  readonly word: string;
  readonly icon: IconName;
  /** The second of two keys, after a `g`. */
  readonly key: string;
  readonly foot?: boolean;
}

export const places: readonly Place[] = [
  { screen: 'now', word: 'Now', icon: 'house', key: 'n', foot: true },
  { screen: 'agents', word: 'Agents', icon: 'bot', key: 'a', foot: true },
  { screen: 'approvals', word: 'Approvals', icon: 'hand', key: 'p' },
  { screen: 'vault', word: 'Vault', icon: 'vault', key: 'v', foot: true },
  { screen: 'time', word: 'Time', icon: 'timer', key: 't' },
  { screen: 'rules', word: 'Rules', icon: 'scale', key: 'r' },
  { screen: 'bedrock', word: 'Bedrock', icon: 'layers', key: 'b' },
  { screen: 'audit', word: 'Audit', icon: 'scroll-text', key: 'l' },
  { screen: 'devices', word: 'Devices', icon: 'monitor-smartphone', key: 'd' },
  { screen: 'freshness', word: 'Freshness', icon: 'heart-pulse', key: 'f' },
  { screen: 'settings', word: 'Settings', icon: 'settings', key: 's' },
];
