// What every store must stand, whatever it is made of: a call that fails, a process that is killed at any call, power that goes at any moment.
// A store is tried by a program that writes to it and says what was promised; a check reads what is left.

import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eachLoss, readRecord, type Found, type Step } from './disk-record.ts';
import { runProgram, type Ran } from './installation.ts';
import { share } from './shares.ts';
import { diskCalls, intervening, recording, struck, type Intervention } from './strace.ts';

export interface StoreTrial {
  /**
   * A program of Node's and its words. After them it gets the store's folder, a file for its promises, one a line, and how many it shall make.
   * It goes on after a failed write, tries that again, and ends with 0 when all was written; with 3 and the error's code when it could not begin.
   */
  readonly program: readonly string[];
  /** Names in the folder whose calls count, beside the folder's own; without, those of the whole program count. */
  readonly files?: readonly string[];
  /** Throws unless everything that was promised is there, nothing is there in half, and the store goes on by itself. */
  check(found: Found): Promise<void>;
}

/** One thread for files: calls are counted by thread. */
const environment = { ...process.env, UV_THREADPOOL_SIZE: '1' };

class Attempt {
  private readonly trial: StoreTrial;
  private readonly place = mkdtempSync(path.join(tmpdir(), 'holdfast-disk-'));
  readonly folder = path.join(this.place, 'store');
  readonly promises = path.join(this.place, 'promises');
  readonly log = path.join(this.place, 'log');

  constructor(trial: StoreTrial) {
    this.trial = trial;
    mkdirSync(this.folder, { mode: 0o700 });
    writeFileSync(this.promises, '');
  }

  get paths(): string[] | undefined {
    return this.trial.files && [this.folder, ...this.trial.files.map((name) => path.join(this.folder, name))];
  }

  get promised(): string[] {
    return readFileSync(this.promises, 'utf8').split('\n').filter(Boolean);
  }

  run(before: readonly string[], count: number): Promise<Ran> {
    const [file, ...words] = [...before, process.execPath, ...this.trial.program, this.folder, this.promises, String(count)];
    return runProgram(file, words, environment);
  }

  async check(about: string): Promise<void> {
    try {
      await this.trial.check({ folder: this.folder, acknowledged: this.promised });
    } catch (thrown) {
      throw new assert.AssertionError({ message: `${about}: ${String(thrown)}` });
    }
  }

  /** The calls of the whole program when nobody disturbs it, as often as each is made. */
  async points(count: number): Promise<Point[]> {
    const never = { calls: diskCalls, paths: this.paths, by: { error: 'EIO' }, when: '65535' } as const;
    const ran = await this.run(intervening(never, this.log), count);
    assert.equal(ran.code, 0, ran.stderr);
    const made = new Map<string, number>();
    return [...readFileSync(this.log, 'latin1').matchAll(/^\d+ +(\w+)\(/gm)].map(([, call = '']) => {
      made.set(call, (made.get(call) ?? 0) + 1);
      return { call, number: made.get(call) ?? 0 };
    });
  }

  remove(): void {
    rmSync(this.place, { recursive: true, force: true });
  }

  static async with<T>(trial: StoreTrial, act: (attempt: Attempt) => Promise<T>): Promise<T> {
    const attempt = new Attempt(trial);
    try {
      return await act(attempt);
    } finally {
      attempt.remove();
    }
  }
}

/** The n-th call of a kind. */
interface Point {
  readonly call: string;
  readonly number: number;
}

/** The first two of each kind, the last ones, and some between; in a soak run all of them. */
function chosen(points: readonly Point[]): Point[] {
  const between = new Set(Array.from({ length: share({ ci: 8, soak: 0 }) }, () => Math.floor(Math.random() * points.length)));
  const all = share({ ci: 0, soak: 1 }) === 1;
  return points.filter(({ number }, index) => all || number <= 2 || index >= points.length - 2 || between.has(index));
}

/**
 * The n-th call of a kind on the store's files fails, for many n: once, and from there on until the program ends. Resolves with how many
 * attempts the fault met.
 */
export async function eachFailure(trial: StoreTrial, error: 'EIO' | 'ENOSPC' | 'EROFS', count: number): Promise<number> {
  const points = await Attempt.with(trial, (attempt) => attempt.points(count));
  let met = 0;
  for (const { call, number } of chosen(points)) {
    for (const when of [String(number), `${number}+`]) {
      await Attempt.with(trial, async (attempt) => {
        const ran = await attempt.run(
          intervening({ calls: [call], paths: attempt.paths, by: { error }, when }, attempt.log),
          count,
        );
        const about = `${error} at ${call} ${when}: ${ran.code}\n${ran.stderr}`;
        if (struck(attempt.log) > 0) met += 1;
        const once = when === String(number);
        assert.ok((once ? [0, 3] : [0, 3, 4]).includes(ran.code), `it goes on by itself, or says what is wrong: ${about}`);
        if (ran.code === 3) assert.match(ran.stderr, /\((store_failed|store_full)\)/, about);
        await attempt.check(about);
      });
    }
  }
  return met;
}

/** The process is gone at the n-th call of a kind, for many n. Resolves with how many attempts it met. */
export async function eachKill(trial: StoreTrial, count: number): Promise<number> {
  const points = await Attempt.with(trial, (attempt) => attempt.points(count));
  let met = 0;
  for (const { call, number } of chosen(points)) {
    await Attempt.with(trial, async (attempt) => {
      const kill: Intervention = { calls: [call], paths: attempt.paths, by: { signal: 'SIGKILL' }, when: String(number) };
      const ran = await attempt.run(intervening(kill, attempt.log), count);
      if (ran.code !== 0) met += 1;
      await attempt.check(`killed at ${call} ${number}`);
    });
  }
  return met;
}

/** The power goes at any moment. `also` sees the same with other steps, to show what the check would find. Resolves with how many disks there were. */
export async function eachPowerLoss(
  trial: StoreTrial,
  count: number,
  also: (tryWith: (change: (steps: Step[]) => Step[]) => Promise<number>) => Promise<void> = async () => {},
): Promise<number> {
  return Attempt.with(trial, async (attempt) => {
    const ran = await attempt.run(recording(attempt.paths && [...attempt.paths, attempt.promises], attempt.log), count);
    assert.equal(ran.code, 0, ran.stderr);
    const steps = readRecord(attempt.log, attempt.folder, attempt.promises);
    assert.equal(steps.filter(({ kind }) => kind === 'acknowledged').length, attempt.promised.length);
    const place = path.dirname(attempt.folder);
    await also((change) => eachLoss(change([...steps]), place, (found) => trial.check(found)));
    return eachLoss(steps, place, (found) => trial.check(found));
  });
}
