// Light or dark: as the system has it, unless this person said otherwise.

import type { Preferences } from '../store/preferences.ts';

export function applyTheme(theme: Preferences['theme']): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
