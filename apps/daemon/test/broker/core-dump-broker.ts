// A broker alone in a process, for core-dump.test.ts: the secret comes as AES-GCM ciphertext and key and is opened only for a use.

import { createDecipheriv } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { readWithField } from '@holdfast/protocol/vault/body-field';
import { createBroker, type Attach } from '../../src/broker/broker.ts';

export interface CoreDumpSetting {
  readonly sealed: { readonly key: string; readonly nonce: string; readonly ciphertext: string; readonly tag: string };
  readonly originPort: number;
  readonly ca: string;
  readonly swap: 'bytes' | 'off';
  /** By first path segment. */
  readonly attaches: Readonly<Record<string, Attach>>;
}

const setting = JSON.parse(await text(process.stdin)) as CoreDumpSetting;

function openSealed(): Buffer {
  const { key, nonce, ciphertext, tag } = setting.sealed;
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key, 'hex'), Buffer.from(nonce, 'hex')).setAuthTag(
    Buffer.from(tag, 'hex'),
  );
  const opened = decipher.update(Buffer.from(ciphertext, 'hex'));
  decipher.final();
  const own = Buffer.from(new ArrayBuffer(opened.length));
  opened.copy(own);
  opened.fill(0);
  return own;
}

let uses = 0;
const broker = await createBroker({
  authority: {
    grantsFor: ({ port }) =>
      port !== setting.originPort
        ? []
        : Object.entries(setting.attaches).map(([name, attach]) => ({
            grantId: name,
            placeholder: `hf_placeholder_of_${name}`,
            attach,
            ca: setting.ca,
            pins: undefined,
            allowPrivate: true,
            approve: false,
            limitsArguments: false,
            judgesBody: attach.kind === 'body',
            matches: ({ path }) => path.startsWith(`/${name}/`),
          })),
    egressFor: () => undefined,
    use: async ({ attach, placeholder }, { query }, _handle, body) => ({
      handleId: String((uses += 1)),
      judged: {
        query,
        body:
          attach.kind === 'body'
            ? readWithField(body, { at: attach.at, placeholder, takes: (said) => said === placeholder }).body
            : undefined,
      },
      open: async () => openSealed(),
      wiped: () => {},
      failed: () => {},
      over: () => {},
    }),
    grantOf: () => undefined,
    misused: () => {},
    passed: async () => {},
    refused: () => {},
  },
  door: (_request, response) => response.end(),
  log: { info: () => {}, warn: () => {} },
  // Longer than what the kernel keeps of an upload that nobody reads.
  limits: { maxJudgedBodyBytes: 32 << 20, maxHeldBytes: 64 << 20 },
  swap: setting.swap,
});
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  broker.attach(server);
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port, caPem: broker.caPem })}\n`);
});
