// `holdfast egress …`: hosts that an agent may reach without a credential.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { allowEgress, endEgress } from '@holdfast/protocol/journal/compose';
import { parseCaBundle, parseHost, parsePins, pinText } from '@holdfast/protocol/vault/terms';
import { egressSentence } from '@holdfast/protocol/vault/sentence';
import type { EgressRule } from '@holdfast/protocol/vault/egress';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import type { Output } from '../output.ts';
import { readText } from '../secrets-input.ts';

interface EgressOptions {
  readonly passphraseFile?: string;
  readonly to: string;
  readonly allowPrivate?: boolean;
  readonly ca?: string;
  readonly pin?: readonly string[];
}

export async function allow(output: Output, typed: string, options: EgressOptions): Promise<void> {
  const { host, port } = parseHost(typed);
  const ca = options.ca === undefined ? undefined : parseCaBundle(readText(options.ca));
  const pins = options.pin && parsePins(options.pin);
  await asOperator(output, options, async (session) => {
    const agent = session.agent(options.to);
    const trust = { allowPrivate: options.allowPrivate === true, ...(ca !== undefined && { ca }), ...(pins && { pins }) };
    const terms = { agent: agent.id, host, port, ...trust };
    const { rule } = await session.write((operator) => allowEgress(operator, terms));
    const here = await session.appliedHere();
    output.result({ rule, agent: agent.id, host, port, applied: here === 'applied' }, [egressSentence(agent.scope, terms).text]);
  });
}

export async function remove(output: Output, typed: string, options: EgressOptions): Promise<void> {
  const { host, port } = parseHost(typed);
  await asOperator(output, options, async (session) => {
    const agent = session.agent(options.to);
    const rules = [...(session.state.egress.get(toHex(agent.id))?.values() ?? [])];
    const found = rules.find((each) => each.host === host && each.port === port);
    if (found === undefined)
      throw new HoldfastError('egress_unknown', `${agent.scope} has no leave to reach ${host}:${port}`, {
        next: 'see: holdfast egress list',
      });
    await session.write((operator) => endEgress(operator, { agent: agent.id, rule: found.id }));
    const here = await session.appliedHere();
    output.result({ rule: found.id, agent: agent.id, host, port, applied: here === 'applied' }, [
      `${agent.scope} may not reach ${host}:${port} any more`,
    ]);
  });
}

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) {
    const { egress } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    show(
      output,
      'machine',
      egress.map(({ rule }) => rule),
    );
    return;
  }
  await asOperator(output, options, async (session) => {
    show(
      output,
      'operator',
      [...session.state.egress.values()].flatMap((rules) => [...rules.values()]),
    );
  });
}

function show(output: Output, view: string, rules: readonly EgressRule[]): void {
  const shown = rules.map(({ agent, id, host, port, allowPrivate, pins }) => ({
    rule: id,
    agent,
    host,
    port,
    allowPrivate,
    ...(pins && { pin: pins.map(pinText) }),
  }));
  output.result(
    { view, rules: shown },
    shown.length === 0
      ? ['no host is open without a credential']
      : shown.map(({ agent, host, port }) => `${toHex(agent).slice(0, 8)}  ${host}:${port}`),
  );
}
