// What the server says of itself at /relay.json, spec/console.md [CONSOLE-3]. It is asked for a default and believed in nothing: the relay's key is pinned in the
// operator's own record, and a hash that a page tells of itself proves nothing.

export interface Config {
  /** Where a new fleet would go; undefined: nobody said. */
  readonly relayUrl?: string;
  readonly bundleHash: string;
}

export async function readConfig(): Promise<Config> {
  try {
    const said: unknown = await (await fetch('/relay.json')).json();
    const { relay, bundle } = (said ?? {}) as { readonly relay?: unknown; readonly bundle?: unknown };
    return {
      ...(typeof relay === 'string' && /^https?:\/\/[^\s/]+$/.test(relay) && { relayUrl: relay }),
      bundleHash: typeof bundle === 'string' && /^[0-9a-f]{64}$/.test(bundle) ? bundle : 'unknown',
    };
  } catch {
    return { bundleHash: 'unknown' };
  }
}
