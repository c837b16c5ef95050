// Our part of a harness's settings, put into what its user has and taken out again. Everything of the user's stays as it is; what is ours is known by
// the address that it asks. spec/guarded.md [GUARDED-13].

import { HoldfastError } from '@holdfast/protocol/errors';

export type Json = null | boolean | number | string | readonly Json[] | Settings;
export interface Settings {
  readonly [key: string]: Json;
}

const hookAddress = /^http:\/\/127\.0\.0\.1:\d{1,5}\/v1\/hook\/claude-code$/;
const hookPath = '/v1/hook/claude-code';
const statusScript = 'status-line.sh';
const marketplace = 'holdfast';
const plugin = 'holdfast@holdfast';

/** `ours`: as the daemon says it. @throws refused for settings that switch hooks off, usage for what is not of their form */
export function withOurs(user: Settings, ours: Settings): Settings {
  if (user['disableAllHooks'] === true)
    throw new HoldfastError('refused', 'these settings switch all hooks off (disableAllHooks)', {
      next: 'take it out of the file first',
    });
  const base = withoutOurs(user);
  const { hooks, statusLine, ...named } = ours;
  const merged: Record<string, Json> = { ...base };
  for (const [key, value] of Object.entries(named)) merged[key] = { ...objectIn(base, key), ...objectIn(ours, key, value) };
  merged['hooks'] = { ...objectIn(base, 'hooks') };
  for (const [event, groups] of Object.entries(objectIn(ours, 'hooks', hooks)))
    (merged['hooks'] as Record<string, Json>)[event] = [...listIn(objectIn(base, 'hooks'), event), ...(groups as Json[])];
  // One line has room for one; the user's stays.
  if (statusLine !== undefined && base['statusLine'] === undefined) merged['statusLine'] = statusLine;
  const allowed = base['allowedHttpHookUrls'];
  if (Array.isArray(allowed)) merged['allowedHttpHookUrls'] = [...(allowed as Json[]), ...addressesIn(ours)];
  return merged;
}

/** What was not there before is not there after. @throws usage for what is not of the form of settings */
export function withoutOurs(settings: Settings): Settings {
  const left: Record<string, Json> = { ...settings };
  const hooks = Object.entries(objectIn(settings, 'hooks')).flatMap(([event]) => {
    const groups = listIn(objectIn(settings, 'hooks'), event);
    const kept = groups.flatMap(groupWithoutOurs);
    return kept.length === 0 && groups.length > 0 ? [] : [[event, kept] as const];
  });
  replace(left, 'hooks', Object.fromEntries(hooks));
  for (const [key, own] of [
    ['extraKnownMarketplaces', marketplace],
    ['enabledPlugins', plugin],
    ['pluginConfigs', plugin],
  ] as const) {
    const { [own]: _ours, ...others } = objectIn(settings, key);
    replace(left, key, others);
  }
  if (JSON.stringify(settings['statusLine'] ?? null).includes(statusScript)) delete left['statusLine'];
  const allowed = settings['allowedHttpHookUrls'];
  if (Array.isArray(allowed)) left['allowedHttpHookUrls'] = (allowed as Json[]).filter((url) => !isOurAddress(url));
  return left;
}

/** Whether they ask a door of ours, and at which port. */
export function portIn(settings: Settings): number | undefined {
  const [first] = addressesIn(settings);
  return first === undefined ? undefined : Number(new URL(first).port);
}

function addressesIn(settings: Settings): readonly string[] {
  const hooks = objectIn(settings, 'hooks');
  const groups = Object.keys(hooks).flatMap((event) => listIn(hooks, event));
  const handlers = groups.flatMap((group) => (isObject(group) ? listIn(group, 'hooks') : []));
  return [...new Set(handlers.flatMap((each) => (isObject(each) && isOurAddress(each['url']) ? [each['url']] : [])))];
}

function groupWithoutOurs(group: Json): readonly Json[] {
  if (!isObject(group) || !Array.isArray(group['hooks'])) return [group];
  const all = group['hooks'] as Json[];
  const kept = all.filter((each) => !isOurs(each));
  return kept.length === all.length ? [group] : kept.length === 0 ? [] : [{ ...group, hooks: kept }];
}

function isOurs(handler: Json): boolean {
  if (!isObject(handler)) return false;
  return isOurAddress(handler['url']) || JSON.stringify(handler['args'] ?? null).includes(hookPath);
}

function isOurAddress(value: Json | undefined): value is string {
  return typeof value === 'string' && hookAddress.test(value);
}

/** An object that we emptied goes; one that was there and empty stays. */
function replace(left: Record<string, Json>, key: string, value: Settings): void {
  if (left[key] === undefined) return;
  if (Object.keys(value).length === 0 && Object.keys(objectIn(left, key)).length > 0) delete left[key];
  else left[key] = value;
}

function objectIn(settings: Settings, key: string, value: Json | undefined = settings[key]): Settings {
  if (value === undefined) return {};
  if (!isObject(value)) throw unfit(`${key} is no object`);
  return value;
}

function listIn(settings: Settings, key: string): readonly Json[] {
  const value = settings[key];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unfit(`${key} is no list`);
  return value as Json[];
}

function isObject(value: Json | undefined): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unfit(message: string): HoldfastError {
  return new HoldfastError('usage', `the settings are not of their form: ${message}`, { next: 'mend the file first' });
}
