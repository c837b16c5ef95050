// One thing that `holdfast doctor` looked at, spec/cli.md [CLI-20].

export interface Check {
  readonly name: string;
  /** `warn`: it works, with less than it could; `fail`: something does not work until it is mended. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to type, or to do. */
  readonly fix?: string;
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail });
export const warn = (name: string, detail: string, fix: string): Check => ({ name, state: 'warn', detail, fix });
export const fail = (name: string, detail: string, fix: string): Check => ({ name, state: 'fail', detail, fix });
