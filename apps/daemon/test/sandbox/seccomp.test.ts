import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { seccompFilter } from '../../src/sandbox/seccomp.ts';
import { systemCallsAvailable, writeCaller, writeForeignCaller } from './system-call.ts';
import { makeWorld, requestFor, run, without } from './world.ts';

const allowed = 0x7fff0000;
const killed = 0x80000000;
const failsWith = (errno: number): number => 0x00050000 | errno;

/** The kernel's own reading of classic BPF, as far as the filter uses it. */
function evaluate(filter: Uint8Array, call: { arch: number; number: number; args?: readonly bigint[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.arch >>> 0, 4);
  for (const [index, arg] of (call.args ?? []).entries()) data.writeBigUInt64LE(arg, 16 + index * 8);
  const program = Buffer.from(filter);
  let value = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = program.readUInt16LE(at * 8);
    const operand = program.readUInt32LE(at * 8 + 4);
    const jump = (yes: boolean): void => void (at += program.readUInt8(at * 8 + (yes ? 2 : 3)));
    if (code === 0x20) value = data.readUInt32LE(operand);
    else if (code === 0x15) jump(value === operand);
    else if (code === 0x35) jump(value >= operand);
    else if (code === 0x06) return operand;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('the program ends without a verdict');
}

const machines = {
  x64: { arch: 0xc000003e, ioctl: 16, socket: 41, read: 0, keyctl: 250, uring: 425, last: 470 },
  arm64: { arch: 0xc00000b7, ioctl: 29, socket: 198, read: 63, keyctl: 219, uring: 425, last: 470 },
} as const;

for (const [name, machine] of Object.entries(machines)) {
  test(`[SANDBOX-10] the filter of ${name} gives a verdict on every call`, () => {
    const filter = seccompFilter(name);
    const { arch } = machine;
    for (let number = 0; number <= machine.last; number += 1) {
      const verdict = evaluate(filter, { arch, number, args: [2n, 0n] });
      assert.ok([allowed, failsWith(1), failsWith(38)].includes(verdict), `call ${number}: ${verdict.toString(16)}`);
    }
    assert.equal(evaluate(filter, { arch, number: machine.read }), allowed);
    assert.equal(evaluate(filter, { arch, number: machine.keyctl }), failsWith(1));
    assert.equal(evaluate(filter, { arch, number: machine.uring }), failsWith(38));
    assert.equal(evaluate(filter, { arch: 0x40000003, number: machine.read }), killed, 'a 32-bit program');
  });

  test(`[SANDBOX-10] ${name}: only the low half of ioctl's command and of socket's family counts`, () => {
    const filter = seccompFilter(name);
    const { arch } = machine;
    for (const high of [0n, 1n << 32n, 0xffffffffn << 32n]) {
      for (const command of [0x5412n, 0x541cn, 0x5423n]) {
        assert.equal(evaluate(filter, { arch, number: machine.ioctl, args: [0n, high | command] }), failsWith(1));
      }
      assert.equal(
        evaluate(filter, { arch, number: machine.ioctl, args: [0n, high | 0x5413n] }),
        allowed,
        'asking for the window size',
      );
      for (const family of [1n, 2n, 10n, 16n]) {
        assert.equal(evaluate(filter, { arch, number: machine.socket, args: [high | family] }), allowed);
      }
      for (const family of [0n, 17n, 31n, 38n, 40n, 44n]) {
        assert.equal(evaluate(filter, { arch, number: machine.socket, args: [high | family] }), failsWith(97));
      }
    }
  });
}

test('[SANDBOX-10] the x32 numbers of the same calls are no second door', () => {
  const filter = seccompFilter('x64');
  for (const number of [0x40000000 + 250, 0x40000000 + 16, 0x40000000, 0xffffffff]) {
    assert.equal(evaluate(filter, { arch: 0xc000003e, number }), failsWith(38));
  }
});

test('a processor without a table is not filtered by guesswork', () => {
  assert.throws(() => seccompFilter('riscv64'), { code: 'sandbox_unavailable' });
});

// The errno that the call ends with when the filter is off depends on the kernel; that it is another one shows that the filter decides.
const refused: readonly (readonly [name: string, errno: number, ...args: string[]])[] = [
  ['keyctl: the session keyring', 1, '250', '0', '4294967293', '0'],
  ['add_key', 1, '248', '@user', '@name', '@value', '5', '4294967293'],
  ['request_key', 1, '249', '@user', '@name', '0', '4294967293'],
  ['io_uring_setup', 38, '425', '8', '@0'],
  ['bpf', 1, '321', '9999', '@x', '3'],
  ['perf_event_open', 1, '298', '@none', '0', '4294967295', '4294967295', '0'],
  ['userfaultfd', 1, '323', '1'],
  ['a vsock socket, which a network namespace does not hold', 97, '41', '40', '1', '0'],
  ['the same with bits above the family', 97, '41', String(2n ** 32n + 40n), '1', '0'],
  ['a kernel crypto socket', 97, '41', '38', '5', '0'],
  ['unshare of nothing', 1, '272', '0'],
  ['TIOCSTI on what is no terminal', 1, '16', '0', String(0x5412), '@x'],
  ['the same with bits above the command', 1, '16', '0', String(2n ** 32n + 0x5412n), '@x'],
  ['TIOCLINUX', 1, '16', '0', String(0x541c), '@x'],
];

const onlyHere = systemCallsAvailable ? false : 'the test program of raw calls is for x86_64';

for (const [name, errno, ...args] of refused) {
  test(`[SANDBOX-10] refused inside: ${name}`, { skip: onlyHere }, async (t: TestContext) => {
    const world = makeWorld(t);
    writeCaller(join(world.tree, 'call'));
    const request = requestFor(world, ['./call', ...args]);
    assert.equal((await run(t, request)).code, errno);
    // Some kernels refuse the same call by themselves, to everybody.
    if (spawnSync(join(world.tree, 'call'), args).status === errno) return;
    assert.notEqual((await run(t, request, without(['--seccomp', 1]))).code, errno, 'with the filter off the kernel answers');
  });
}

test('[SANDBOX-10] a 32-bit call ends its process', { skip: onlyHere }, async (t) => {
  const world = makeWorld(t);
  const path = join(world.tree, 'foreign');
  writeForeignCaller(path);
  const bare = spawnSync(path);
  // Some machines have no way in for such calls: their processor ends the process before a filter is asked.
  const signal = bare.signal === 'SIGSEGV' ? 11 : 31;
  assert.equal((await run(t, requestFor(world, ['./foreign']))).code, 128 + signal);
  if (bare.status === 0) assert.equal((await run(t, requestFor(world, ['./foreign']), without(['--seccomp', 1]))).code, 0);
});
