// /etc inside: a file system of its own with an allow-list of the host's files, then made read-only. spec/sandbox.md [SANDBOX-6].
// (A bind onto the host's /etc would leave its other files readable, and fails where a mount point is missing.)

import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, normalize } from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Argument } from './bwrap-arguments.ts';
import { bundlePath, javaStorePath } from './environment.ts';

export interface EtcFile {
  /** Absolute, below /etc. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly executable?: true;
}

/** Settings of programs and libraries; none holds a secret or names a person. */
const fromHost = [
  'alternatives',
  'apk',
  'bash.bashrc',
  'bash_completion.d',
  'debian_version',
  'fonts',
  'fedora-release',
  'gai.conf',
  'host.conf',
  'inputrc',
  'java-8-openjdk',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'java-25-openjdk',
  'java',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'locale.alias',
  'locale.conf',
  'localtime',
  'magic',
  'magic.mime',
  'mime.types',
  'networks',
  'os-release',
  'perl',
  'profile',
  'profile.d',
  'protocols',
  'python3',
  'python3.11',
  'python3.12',
  'python3.13',
  'rpc',
  'services',
  'shells',
  'ssl/openssl.cnf',
  'pki/tls/openssl.cnf',
  'crypto-policies',
  'terminfo',
  'timezone',
  'vim',
  'xattr.conf',
  'zsh',
];

/** Other distributions' names for the bundle; all lead to the one file. */
const bundleLinks = [
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cert.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
];

/** @throws usage when a file of the caller's is not below /etc */
export function etcMounts(caBundle: Uint8Array, home: string, shell: string, extra: readonly EtcFile[]): Argument[] {
  const files = new Map<string, Uint8Array | string>([
    ['/etc/passwd', passwd(home, shell)],
    ['/etc/group', group()],
    ['/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n'],
    ['/etc/hosts', '127.0.0.1 localhost holdfast\n::1 localhost\n'],
    ['/etc/hostname', 'holdfast\n'],
    // No name server: names are the broker's business.
    ['/etc/resolv.conf', ''],
    [bundlePath, caBundle],
    [javaStorePath, javaTrustStore(caBundle)],
  ]);
  const executable = new Set(extra.flatMap((file) => (file.executable === true ? [file.path] : [])));
  for (const { path, data } of extra) {
    if (!isAbsolute(path) || normalize(path) !== path || !path.startsWith('/etc/')) {
      throw new HoldfastError('usage', `${path} is not a path below /etc`);
    }
    files.set(path, data);
  }

  const list: Argument[] = ['--tmpfs', '/etc'];
  for (const name of fromHost) {
    const path = `/etc/${name}`;
    const kind = lstatSync(path, { throwIfNoEntry: false });
    if (kind === undefined || files.has(path)) continue;
    // A link stays one: /etc/localtime tells its zone by where it points.
    if (kind.isSymbolicLink()) list.push('--symlink', readlinkSync(path), path);
    else list.push('--ro-bind', path, path);
  }
  for (const link of bundleLinks) {
    if (!files.has(link)) list.push('--dir', dirname(link), '--symlink', bundlePath, link);
  }
  for (const [path, data] of files) {
    list.push(
      '--perms',
      '0755',
      '--dir',
      dirname(path),
      '--perms',
      executable.has(path) ? '0555' : '0444',
      '--file',
      Buffer.from(data as string),
      path,
    );
  }
  list.push('--symlink', '/proc/mounts', '/etc/mtab', '--remount-ro', '/etc');
  return list;
}

function passwd(home: string, shell: string): string {
  const { uid, gid, username } = userInfo();
  const own = `${username}:x:${uid}:${gid}:${username}:${home}:${shell}\n`;
  const root = uid === 0 ? '' : 'root:x:0:0:root:/root:/usr/sbin/nologin\n';
  return `${root}${own}nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`;
}

function group(): string {
  const { gid, username } = userInfo();
  const root = gid === 0 ? '' : 'root:x:0:\n';
  return `${root}${username}:x:${gid}:\nnogroup:x:65534:\n`;
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The same certificates for Java, which reads no PEM: a JKS store with the password that Java itself tries. */
function javaTrustStore(bundle: Uint8Array): Uint8Array {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([u32(bytes.length).subarray(2), bytes]);
  };
  const entries: Buffer[] = [];
  for (const [pem] of Buffer.from(bundle).toString('latin1').matchAll(certificates)) {
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
    entries.push(Buffer.concat([u32(2), text(`ca-${entries.length}`), Buffer.alloc(8), text('X.509'), u32(der.length), der]));
  }
  const store = Buffer.concat([u32(0xfeedfeed), u32(2), u32(entries.length), ...entries]);
  const password = Buffer.from('changeit', 'utf16le').swap16();
  return Buffer.concat([store, createHash('sha1').update(password).update('Mighty Aphrodite').update(store).digest()]);
}
