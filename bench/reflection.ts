// The reflection corpus against a broker, and what scrubbing costs. Without options against ours:
//   node bench/reflection.ts
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
import { Fingerprints } from '../apps/daemon/src/broker/fingerprints.ts';
import { Scrubber } from '../apps/daemon/src/broker/scrub.ts';

const { values } = parseArgs({
  options: {
    canary: { type: 'string', default: 'sk-Live_7f3K9q2LmZx41/+&<w0Tz' },
    proxy: { type: 'string' },
    ca: { type: 'string' },
    'origin-ca': { type: 'string' },
    header: { type: 'string' },
  },
});
const { canary } = values;

async function throughOurs(service: Service): Promise<Through> {
  const { port, caPem } = await startOurs(service);
  return { host: '127.0.0.1', port, ca: caPem, headers: {} };
}

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

async function corpus(): Promise<Record<string, Record<string, number>>> {
  const origin = await reflectingOrigin(canary);
  const through =
    values.proxy === undefined
      ? await throughOurs({ ca: origin.caPem, port: origin.port, secret: canary })
      : await otherBroker(values.proxy, origin.caPem);
  const counts: Record<string, Record<string, number>> = {};
  for (const place of places) {
    const count: Record<string, number> = { clean: 0, shown: 0, unsent: 0, refused: 0 };
    for (const form of Object.keys(reflections)) {
      const verdict = await lookFor(through, origin, canary, form, place);
      if (verdict === 'shown') console.error(`shown: ${form} (${place})`);
      if (verdict !== undefined) count[verdict] = (count[verdict] ?? 0) + 1;
    }
    counts[place] = count;
  }
  await origin.close();
  return counts;
}

/** By processor time, so that a busy machine counts less. */
function throughput(): Record<string, number> {
  const texts: Record<string, string> = {
    'plain text': 'lorem ipsum dolor sit amet, consectetur adipiscing elit\n',
    json: JSON.stringify({ id: 1234567, name: 'a "quoted" name', url: 'https://x.example/a?b=1&c=2', list: [1, 2, 3] }),
    html: '<a class="x" href="/a?b=1&amp;c=2">It&#39;s &quot;me&quot;</a>\n',
    percent: 'q=a%20b%2Fc%3Dd&name=J%C3%B6rg&',
    base64: Buffer.from('some bytes that are encoded here').toString('base64'),
    hex: Buffer.from('some bytes that are encoded here').toString('hex'),
    'utf-16': Buffer.from('lorem ipsum dolor sit amet ', 'utf16le').toString('latin1'),
  };
  const prints = new Fingerprints(1);
  prints.add(Buffer.from(canary));
  const megabytes = 16;
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const scrubber = new Scrubber(prints);
      const piece = Buffer.alloc(64 * 1024, text, 'latin1');
      const run = (count: number): void => {
        for (let at = 0; at < count; at += 1) scrubber.push(Buffer.from(piece));
      };
      run(40);
      const before = process.cpuUsage();
      run(megabytes * 16);
      const { user, system } = process.cpuUsage(before);
      return [name, Math.round(megabytes / ((user + system) / 1e6))];
    }),
  );
}

const counts = await corpus();
console.table(counts);
const scrubbed = values.proxy === undefined ? throughput() : undefined;
if (scrubbed !== undefined) console.table(scrubbed);
console.log(JSON.stringify({ bench: 'reflection', forms: Object.keys(reflections).length, counts, 'MB/s': scrubbed }));
process.exit();
