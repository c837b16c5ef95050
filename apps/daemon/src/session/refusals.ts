// What did not pass in a session, counted: told to whoever ran the command when it has ended, since most clients show little more than a
// number. A memory aid with bounds; the record is the audit log.

import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { maxRefusals } from '@holdfast/protocol/door/wire';
import { parseCode, type ErrorCode } from '@holdfast/protocol/errors';

type Told = Pick<DoorReplyOf<'exited'>, 'refused' | 'unlisted'>;

interface Counted {
  readonly code: ErrorCode;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly granted: boolean;
  count: number;
}

export class Refusals {
  readonly #counted = new Map<string, Counted>();
  #unlisted = 0;

  /** `granted`: the session has a credential for that host and port. A client that left is not counted. */
  note(code: string, target: { readonly host?: string; readonly port?: number }, granted: boolean): void {
    if (code === 'request_cut') return;
    const { host, port } = target;
    const key = `${code} ${host}:${port}`;
    const known = this.#counted.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#counted.size < maxRefusals) this.#counted.set(key, { code: parseCode(code), host, port, granted, count: 1 });
    else this.#unlisted += 1;
  }

  /** The most frequent first. */
  told(): Told {
    const all = [...this.#counted.values()].toSorted((a, b) => b.count - a.count);
    if (all.length === 0) return {};
    const refused = all.map(({ host, port, ...rest }) => ({
      ...rest,
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
    }));
    return { refused, unlisted: this.#unlisted };
  }
}
