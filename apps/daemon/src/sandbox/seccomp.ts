// The system calls that a payload does without: a classic BPF program, assembled here. spec/sandbox.md [SANDBOX-10].
//
// Most of what namespaces and dropped capabilities deny is denied here again. What they do not deny, and only this does: the
// operator's session keyring, typing into a terminal (TIOCSTI), io_uring, and sockets of families that a network namespace does
// not hold (AF_VSOCK reaches the hypervisor from inside an empty one).

import { HoldfastError } from '@holdfast/protocol/errors';

interface Machine {
  /** AUDIT_ARCH_* of <linux/audit.h>. */
  readonly audit: number;
  /** From here up, numbers of the x32 ABI: a second door to the same calls. */
  readonly foreignFrom: number | undefined;
  readonly calls: Readonly<Record<string, number>>;
}

/** Numbers that are the same everywhere, from the unified table (Linux ≥ 5.1). */
const unified = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  mount_setattr: 442,
} as const;

const machines: Readonly<Record<string, Machine>> = {
  x64: {
    audit: 0xc000003e,
    foreignFrom: 0x40000000,
    calls: {
      ...unified,
      ioctl: 16,
      socket: 41,
      syslog: 103,
      pivot_root: 155,
      chroot: 161,
      acct: 163,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      init_module: 175,
      delete_module: 176,
      quotactl: 179,
      lookup_dcookie: 212,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      fanotify_init: 300,
      open_by_handle_at: 304,
      setns: 308,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      userfaultfd: 323,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    foreignFrom: undefined,
    calls: {
      ...unified,
      lookup_dcookie: 18,
      ioctl: 29,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      chroot: 51,
      quotactl: 60,
      acct: 89,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      syslog: 116,
      reboot: 142,
      socket: 198,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      swapon: 224,
      swapoff: 225,
      perf_event_open: 241,
      fanotify_init: 262,
      open_by_handle_at: 265,
      setns: 268,
      finit_module: 273,
      bpf: 280,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

/** Unix, IPv4, IPv6, netlink: the families that a network namespace holds and that ordinary programs use. */
const socketFamilies = [1, 2, 10, 16];

/** TIOCSTI types into the terminal, TIOCLINUX pastes into a console, TIOCSETD loads line disciplines. */
const terminalCommands = [0x5412, 0x541c, 0x5423];

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const kill = 0x80000000;
const allow = 0x7fff0000;
const errno = (code: number): number => 0x00050000 | code;

// struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }, little-endian on both machines.
const offsetOfNumber = 0;
const offsetOfArch = 4;
/** The low half: the kernel takes ioctl's command and socket's family as 32 bits, so the high half must not matter. */
const offsetOfArgument = (index: number): number => 16 + index * 8;

const load = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const jumpIfAtLeast = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const give = 0x06; // BPF_RET | BPF_K

interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly operand: number;
}

const step = (code: number, operand: number, yes = 0, no = 0): Instruction => ({ code, operand, yes, no });

/** Loads an argument, compares it with each value, and returns `found` if one matches, else `missed`. */
function checkArgument(index: number, values: readonly number[], found: number, missed: number): Instruction[] {
  return [
    step(load, offsetOfArgument(index)),
    ...values.flatMap((value) => [step(jumpIfEqual, value, 0, 1), step(give, found)]),
    step(give, missed),
  ];
}

/**
 * The filter for this machine, as bwrap's `--seccomp` wants it: struct sock_filter, one after the other.
 * @throws sandbox_unavailable on a processor whose call numbers are not listed here.
 */
export function seccompFilter(architecture: string = process.arch): Uint8Array {
  const machine = machines[architecture];
  if (machine === undefined) {
    throw new HoldfastError('sandbox_unavailable', `sealed sessions do not know the processor ${architecture}`, {
      next: 'run Holdfast on x86_64 or aarch64',
    });
  }
  const { ioctl, socket, ...refused } = machine.calls;
  if (ioctl === undefined || socket === undefined) throw new HoldfastError('internal', 'the call table lacks ioctl or socket');

  const program: Instruction[] = [
    // A 32-bit call has other numbers: nothing below would fit it.
    step(load, offsetOfArch),
    step(jumpIfEqual, machine.audit, 1, 0),
    step(give, kill),
    step(load, offsetOfNumber),
  ];
  if (machine.foreignFrom !== undefined) {
    program.push(step(jumpIfAtLeast, machine.foreignFrom, 0, 1), step(give, errno(ENOSYS)));
  }
  for (const [name, number] of Object.entries(refused)) {
    // Runtimes ask for io_uring to see whether it is there, and fall back when it is not.
    const answer = name.startsWith('io_uring') ? ENOSYS : EPERM;
    program.push(step(jumpIfEqual, number, 0, 1), step(give, errno(answer)));
  }
  const onIoctl = checkArgument(1, terminalCommands, errno(EPERM), allow);
  program.push(step(jumpIfEqual, ioctl, 0, onIoctl.length), ...onIoctl);
  const onSocket = checkArgument(0, socketFamilies, allow, errno(EAFNOSUPPORT));
  program.push(step(jumpIfEqual, socket, 0, onSocket.length), ...onSocket);
  program.push(step(give, allow));
  return assemble(program);
}

function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, yes, no, operand }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  }
  return bytes;
}
