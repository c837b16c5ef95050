// Our broker as benches drive it: one grant for one service, no key store behind it, and no record before a use.

import { createServer, type AddressInfo } from 'node:net';
import { createBroker } from '../../apps/daemon/src/broker/broker.ts';

/** What clients send in place of the secret. */
export const placeholder = 'hf_benchbenchbenchbenchbenchbench';

export interface Service {
  /** PEM of the authority that certifies it. */
  readonly ca: string;
  readonly port: number;
  /** What it wants as its bearer token. */
  readonly secret: string;
}

/** Listens on loopback. @returns its port, and PEM of the authority that clients have to trust */
export async function startOurs({ ca, port, secret }: Service): Promise<{ port: number; caPem: string; stop(): void }> {
  const grant = {
    grantId: 'bench',
    placeholder,
    attach: { kind: 'bearer' },
    ca,
    pins: undefined,
    allowPrivate: true,
    approve: false,
    limitsArguments: false,
    judgesBody: false,
    matches: () => true,
  } as const;
  const use = {
    handleId: '1',
    open: async () => Buffer.from(new ArrayBuffer(secret.length)).fill(secret),
    opened: () => {},
    wiped: () => {},
    failed: (code: string) => console.error('failed', code),
    over: () => {},
  };
  const broker = await createBroker({
    authority: {
      grantsFor: (target) => (target.port === port ? [grant] : []),
      egressFor: () => undefined,
      use: async (_grant, { query }) => ({ ...use, judged: { query, body: undefined } }),
      grantOf: () => undefined,
      misused: () => {},
      passed: async () => {},
      refused: (_facts, code) => console.error('refused', code),
    },
    door: (_request, response) => response.end(),
    log: { info: () => {}, warn: () => {} },
  });
  const server = createServer();
  broker.attach(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as AddressInfo).port, caPem: broker.caPem, stop: () => void server.close() };
}
