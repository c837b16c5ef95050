// The reflection corpus against brokers: each form in which a service could repeat the credential, at each place of a reply. Against ours:
//   npm run bench -- reflection
// besides against those of bench/brokers that are installed, as their makers mean them to be run:
//   node bench/reflection.ts --peers
// and against any other that is an HTTP proxy and puts a secret in the place of something that clients send:
//   node bench/reflection.ts --canary SECRET --origin-ca FILE --proxy HOST:PORT --ca FILE --header 'Authorization: Bearer PLACEHOLDER'
// It writes the authority of its own service to --origin-ca first and waits for a line on standard input, so that the broker can be
// started to trust it. Counted are the forms of which at least eight bytes came through. Prints a table and one JSON line.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lookFor, places, reflectingOrigin, type Through } from '@holdfast/testkit/reflecting';
import { reflections } from '@holdfast/testkit/reflections';
import { startOurs, type Service } from './brokers/ours.ts';
import { startPeers } from './brokers/peers.ts';

const { values } = parseArgs({
  options: {
    canary: { type: 'string', default: 'sk-Live_7f3K9q2LmZx41/+&<w0Tz' },
    proxy: { type: 'string' },
    ca: { type: 'string' },
    'origin-ca': { type: 'string' },
    header: { type: 'string' },
    peers: { type: 'boolean', default: false },
  },
});
const { canary } = values;

async function otherBroker(proxy: string, originCa: string): Promise<Through> {
  if (values['origin-ca'] === undefined || values.ca === undefined) throw new Error('--origin-ca and --ca go with --proxy');
  writeFileSync(values['origin-ca'], originCa);
  console.error(`the service's authority is in ${values['origin-ca']}; start the broker, then press Enter`);
  await once(process.stdin, 'data');
  process.stdin.unref();
  const [host = '', port = ''] = proxy.replace(/^http:\/\//, '').split(':');
  const [name = '', value = ''] = (values.header ?? '').split(/: (.*)/s, 2);
  return { host, port: Number(port), ca: readFileSync(values.ca, 'utf8'), headers: name === '' ? {} : { [name]: value } };
}

type Counts = Record<string, Record<string, number>>;

async function corpus(through: Through, origin: Awaited<ReturnType<typeof reflectingOrigin>>): Promise<Counts> {
  const counts: Counts = {};
  for (const place of places) {
    const count: Record<string, number> = { clean: 0, shown: 0, unsent: 0, refused: 0 };
    for (const form of Object.keys(reflections)) {
      const verdict = await lookFor(through, origin, canary, form, place);
      if (verdict === 'shown') console.error(`shown: ${form} (${place})`);
      if (verdict !== undefined) count[verdict] = (count[verdict] ?? 0) + 1;
    }
    counts[place] = count;
  }
  return counts;
}

const origin = await reflectingOrigin(canary);
const service: Service = { ca: origin.caPem, port: origin.port, secret: canary };
const results: Record<string, Counts> = {};
const measure = async (name: string, through: Through): Promise<void> => {
  console.error(name);
  results[name] = await corpus(through, origin);
  console.table(results[name]);
};

if (values.proxy !== undefined) await measure(values.proxy, await otherBroker(values.proxy, origin.caPem));
else {
  const { port, caPem } = await startOurs(service);
  await measure('ours', { host: '127.0.0.1', port, ca: caPem, headers: {} });
  for (const peer of values.peers ? await startPeers(service) : []) {
    const headers = { authorization: `Bearer ${peer.placeholder}` };
    await measure(peer.name, { host: '127.0.0.1', port: peer.port, ca: peer.caPem, headers }).finally(() => peer.stop());
  }
}
await origin.close();
console.log(JSON.stringify({ bench: 'reflection', forms: Object.keys(reflections).length, counts: results }));
process.exit();
