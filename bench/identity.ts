// What it takes to be somebody: enrolling a machine, from `holdfast enroll` to its agent, with the operator's command beside it; and a call to a service that
// wants a presentation, from inside a sealed session: the proof, the call, and the service's verdict with a status list that it asks for each time. All of it
// real, in each key store (the TPM is swtpm). `node bench/identity.ts [enrolments] [calls]`; prints a table and one JSON line.

import type { RequestListener } from 'node:http';
import { loadavg } from 'node:os';
import { agentOf, nodeAgent, presentationVerifier, type FleetRoot } from '@holdfast/verify';
import { inside } from '@holdfast/testkit/inside';
import { Installation, jsonOf } from '@holdfast/testkit/installation';
import { startService } from '@holdfast/testkit/origin';
import { noSoftTpm, SoftTpm } from '@holdfast/testkit/soft-tpm';

const enrolments = Number(process.argv[2] ?? 5);
/** A session may present sixty times a minute. */
const calls = Math.min(55, Number(process.argv[3] ?? 50));

interface Call {
  readonly provedMs: number;
  readonly letInMs: number;
  readonly status: number;
}

async function present({ url, count }: { url: string; count: number }): Promise<Call[]> {
  const made: Call[] = [];
  for (let round = 0; round < count; round += 1) {
    const beganMs = performance.now();
    const asked = await fetch(`${process.env['HOLDFAST_DOOR']}/v1/presentations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ audience: url }),
    });
    const { presentation } = (await asked.json()) as { presentation: string };
    const provedMs = performance.now() - beganMs;
    const { status } = await fetch(`${url}/`, { headers: { authorization: `Holdfast ${presentation}` } });
    made.push({ provedMs, letInMs: performance.now() - beganMs, status });
  }
  return made;
}

function middle(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  return Math.round((sorted[sorted.length >> 1] ?? 0) * 10) / 10;
}

async function measure(parameters: readonly string[]) {
  const holdfast = await Installation.create();
  let listener: RequestListener = () => undefined;
  const service = await startService((request, response) => listener(request, response));
  const url = `https://localhost:${service.port}`;
  try {
    await holdfast.settle({ parameters });
    await holdfast.allowEgress(service);
    const root = jsonOf<{ roots: FleetRoot[] }>(await holdfast.cli(['root', '--json'])).roots[0];
    if (root === undefined) throw new Error('the fleet has no root');
    const guard = nodeAgent(presentationVerifier({ root, audience: url, nonces: 'theirs', statusMaxAgeMs: 0 }));
    listener = (request, response) => void guard(request, response, () => response.end(agentOf(request)?.agent));
    const enrolled: number[] = [];
    for (let round = 0; round < enrolments; round += 1) {
      const beganMs = performance.now();
      await holdfast.enrol(`scope-${round}`);
      enrolled.push(performance.now() - beganMs);
    }
    const made = await inside(holdfast, present, { url, count: calls }, { timeoutMs: 300_000 });
    if (made.some(({ status }) => status !== 200)) throw new Error('the service did not let it in');
    return {
      enrolMs: middle(enrolled),
      proofMs: middle(made.map(({ provedMs }) => provedMs)),
      letInMs: middle(made.map(({ letInMs }) => letInMs)),
    };
  } finally {
    await service.close();
    await holdfast.remove();
  }
}

const load = (): number => Number((loadavg()[0] ?? 0).toFixed(1));
const before = load();
const found: Record<string, Awaited<ReturnType<typeof measure>>> = { software: await measure([]) };
if (noSoftTpm() === false) {
  const tpm = await SoftTpm.start();
  found['tpm (swtpm)'] = await measure(['--tpm', tpm.device]);
  await tpm.remove();
}
console.table(found);
process.stdout.write(`${JSON.stringify({ bench: 'identity', enrolments, calls, load: [before, load()], stores: found })}\n`);
process.exit();
