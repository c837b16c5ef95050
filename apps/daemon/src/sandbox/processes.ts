// The processes of a session as the host sees them: whom a signal reaches, and whom to end so that all end.

import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';

interface Info {
  readonly 'child-pid': number;
  readonly 'pid-namespace': number;
}

/** Valid from the starter's first message on; once the session has ended, the caller must not use it any more. */
export class SessionProcesses {
  /** Process 1 of the pid namespace: the kernel ends all others when it ends. */
  readonly #first: number;
  readonly #namespace: string;
  /** Its child: the starter, later the payload. */
  readonly #payload: number;

  /** @param info what bwrap wrote to its `--info-fd` */
  constructor(info: string) {
    const parsed = JSON.parse(info) as Info;
    this.#first = parsed['child-pid'];
    this.#namespace = `pid:[${parsed['pid-namespace']}]`;
    const children = readFileSync(`/proc/${this.#first}/task/${this.#first}/children`, 'utf8').trim().split(' ');
    this.#payload = Number(children[0]);
    if (!Number.isSafeInteger(this.#payload) || this.#payload <= 1) throw new Error('the sandbox has no process');
  }

  /** The root folder of the session, through process 1. */
  get root(): string {
    return `/proc/${this.#first}/root`;
  }

  kill(): void {
    if (readlinkSync(`/proc/${this.#first}/ns/pid`) === this.#namespace) process.kill(this.#first, 'SIGKILL');
  }

  /** Resolves when none is left, if that is within `withinMs`. A process 1 that has ended has seen the end of all others. */
  async gone(withinMs: number): Promise<void> {
    for (const startedMs = performance.now(); performance.now() - startedMs < withinMs; await later(1))
      if (this.#haveEnded) return;
  }

  get #haveEnded(): boolean {
    try {
      const ended = /^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${this.#first}/stat`, 'latin1'));
      return ended || readlinkSync(`/proc/${this.#first}/ns/pid`) !== this.#namespace;
    } catch {
      return true;
    }
  }

  /** To the payload's process group; with a terminal, to the group in its foreground. */
  signal(name: NodeJS.Signals, terminal: boolean): void {
    if (!terminal) {
      process.kill(-this.#payload, name);
      return;
    }
    const [, , group = '', , , foreground = ''] = this.#fields();
    // What stopped a group goes on as a group; it disturbs nobody in it.
    if (name === 'SIGCONT' && Number(foreground) > 1) process.kill(-Number(foreground), name);
    // A payload without job control shares its group with bwrap, whose end would take the payload's chance to answer.
    else if (foreground === group && group !== String(this.#payload)) process.kill(this.#payload, name);
    else if (Number(foreground) > 1) process.kill(-Number(foreground), name);
  }

  /** Whether the payload is stopped, as Ctrl-Z stops it. */
  get isStopped(): boolean {
    return this.#fields()[0] === 'T';
  }

  /** What the kernel tells of the payload, after the name in brackets, which may hold anything: state, parent, group, session, terminal, foreground group. */
  #fields(): readonly string[] {
    return readFileSync(`/proc/${this.#payload}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  }
}
