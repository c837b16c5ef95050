// `holdfast vault …`: credentials as the operator keeps and grants them. Secrets come in as bytes and are overwritten.

import { randomBytes } from 'node:crypto';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { addItem, endGrant, grantItem, removeItem, rotateItem } from '@holdfast/protocol/journal/compose';
import { placeOf, regrant } from '@holdfast/protocol/journal/compose-grants';
import type { Agent, Grant, Item } from '@holdfast/protocol/journal/state';
import type { Attach } from '@holdfast/protocol/vault/attach';
import { vaultItem, type VaultItem } from '@holdfast/protocol/vault/item';
import { withLimits } from '@holdfast/protocol/vault/fence';
import { shownLimits, type LimitOptions } from '@holdfast/protocol/vault/limits';
import { grantSentence } from '@holdfast/protocol/vault/sentence';
import { templateNamed } from '@holdfast/protocol/vault/templates';
import { parseAttach, parseFence, parsePins } from '@holdfast/protocol/vault/terms';
import { limitsHere } from '../operator/limits.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { readText, secretFromProgram, secretFromStdin } from '../secrets-input.ts';
import { plainText, usage, visible, type Output } from '../output.ts';

interface OperatorOptions {
  readonly passphraseFile?: string;
}

interface AddOptions extends OperatorOptions {
  readonly purpose?: string;
  readonly template?: string;
  readonly gh?: boolean;
  readonly host?: readonly string[];
  readonly path?: readonly string[];
  readonly method?: readonly string[];
  readonly attach?: string;
  readonly env?: string;
  readonly allowPrivate?: boolean;
  readonly ca?: string;
  readonly pin?: readonly string[];
}

/** How an attachment is written on the command line and shown. */
function attachText(attach: Attach): string {
  switch (attach.kind) {
    case 'bearer':
      return 'bearer';
    case 'basic':
      return attach.username === '' ? 'basic' : `basic:${attach.username}`;
    case 'header':
    case 'query':
      return `${attach.kind}:${attach.name}`;
    case 'body':
      return `body:${attach.at}`;
  }
}

/** As `--json` has them. */
export function termsOf({ name, purpose, attach, fence, env }: Pick<Item, 'name' | 'purpose' | 'attach' | 'fence' | 'env'>) {
  return {
    name,
    ...(purpose !== undefined && { purpose }),
    attach: attachText(attach),
    hosts: fence.hosts.map(({ host, port }) => `${host}:${port}`),
    methods: fence.methods,
    paths: fence.paths,
    allowPrivate: fence.allowPrivate,
    ...shownLimits(fence),
    ...(env !== undefined && { env }),
  };
}

function itemNamed(session: LocalOperator, name: string): Item {
  for (const item of session.state.items.values()) if (item.name === name) return item;
  throw new HoldfastError('item_unknown', `there is no credential ${name}`, { next: 'see: holdfast vault list' });
}

export async function add(output: Output, name: string, options: AddOptions): Promise<void> {
  const item = itemOf(name, options);
  const secret = await secretFor(name, options);
  try {
    await asOperator(output, options, async (session) => {
      await session.write((operator) => addItem(operator, item, secret));
      output.result({ item: item.id, ...termsOf(item) }, [
        `${name} is kept: ${termsOf(item).hosts.join(', ')}, ${attachText(item.attach)}`,
        ...(options.gh === true ? ['  gh still has it, where agents that run unsealed can ask for it: gh auth logout'] : []),
        `  next: holdfast vault grant ${name} --to main`,
      ]);
    });
  } finally {
    secret.fill(0);
  }
}

/** What was said, and of what was not what the template says. [CLI-51] */
function itemOf(name: string, options: AddOptions): VaultItem {
  const template = options.template === undefined ? undefined : templateNamed(options.template);
  const how = options.attach ?? template?.attach;
  const hosts = options.host ?? template?.hosts;
  if (how === undefined || hosts === undefined)
    throw usage('a credential needs to be told where it may go and how', 'add --host HOST and --attach HOW, or --template NAME');
  const paths = options.path ?? template?.paths;
  const fence = parseFence({
    hosts,
    ...(options.method && { methods: options.method }),
    ...(paths && { paths }),
    ...(options.allowPrivate && { allowPrivate: true }),
    ...(options.ca !== undefined && { ca: readText(options.ca) }),
  });
  const pinned = options.pin === undefined ? fence : withLimits(fence, { pins: parsePins(options.pin) });
  const attach = parseAttach(how);
  const env = options.env ?? template?.variables[0];
  const purpose = options.purpose === undefined ? undefined : plainText('the purpose', options.purpose, 256);
  return parsed(() =>
    vaultItem.parse(
      {
        ...{ id: randomBytes(16), name, attach, fence: pinned },
        ...(purpose !== undefined && { purpose }),
        ...(env !== undefined && { env }),
      },
      'credential',
    ),
  );
}

async function secretFor(name: string, options: AddOptions): Promise<Buffer> {
  if (options.gh === true) return secretFromProgram('gh', ['auth', 'token']);
  if (options.passphraseFile === undefined && !process.stdin.isTTY) {
    throw usage('the secret comes on standard input, so the passphrase cannot', 'pass --passphrase-file FILE');
  }
  return secretFromStdin(`The secret of ${name}`);
}

/** A new secret for a credential that agents go on using. [CLI-52] */
export async function rotate(output: Output, name: string, options: OperatorOptions): Promise<void> {
  const secret = await secretFor(name, options);
  try {
    await asOperator(output, options, async (session) => {
      const old = itemNamed(session, name);
      const { item, grants } = await session.write((operator) => rotateItem(operator, { item: old.id, secret }));
      const here = await session.appliedHere();
      output.result({ item, name, grants, applied: here === 'applied' }, [
        `${name} has a new secret; ${grants} ${grants === 1 ? 'grant goes' : 'grants go'} on with it`,
        '  next: end the old one upstream',
      ]);
    });
  } finally {
    secret.fill(0);
  }
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw usage(cause.message);
    throw cause;
  }
}

interface GrantOptions extends OperatorOptions, LimitOptions {
  readonly to: string;
  readonly approve?: boolean;
  readonly replace?: boolean;
}

export async function grant(output: Output, name: string, options: GrantOptions): Promise<void> {
  if (options.approveWithin !== undefined && options.approve !== true)
    throw usage('--approve-within is for a grant whose uses are approved', 'add --approve');
  const limits = limitsHere(options, Date.now());
  await asOperator(output, options, async (session) => {
    const item = itemNamed(session, name);
    const agent = session.agent(options.to);
    const before = heldBy(session, agent, name);
    if (before === undefined && options.replace === true) throw notGranted(agent, name);
    if (before !== undefined && options.replace !== true)
      throw new HoldfastError('name_taken', `${agent.scope} has a grant of ${name} already`, {
        next: 'say all of its limits, and --replace; or end it: holdfast vault ungrant',
      }); // [JOURNAL-15]
    const secret = options.approve === true ? 'approved per use' : await session.openSecret(item.id);
    try {
      const fence = withLimits(placeOf(item, before), limits);
      const written = await session.write(async (operator) => {
        if (before === undefined) return grantItem(operator, { item: item.id, agent: agent.id, secret, limits });
        const { grant: held } = before;
        return { ...(await regrant(operator, { agent: agent.id, grant: held, fence, secret })), grant: held }; // [CLI-55]
      });
      const here = await session.appliedHere();
      const approve = typeof secret === 'string';
      const granted = {
        grant: written.grant,
        item: item.id,
        agent: agent.id,
        name,
        approve,
        ...shownLimits(fence),
        applied: here === 'applied',
      };
      output.result(granted, [
        `${name}: ${visible(grantSentence(agent.scope, { fence, approve }).text)}`,
        ...(approve ? ['  its requests wait for you: holdfast approvals'] : []),
      ]);
    } finally {
      if (typeof secret !== 'string') secret.fill(0);
    }
  });
}

function heldBy({ state }: LocalOperator, { id }: Agent, name: string): Grant | undefined {
  return [...(state.grants.get(toHex(id))?.values() ?? [])].find((each) => each.name === name);
}

function notGranted({ scope }: Agent, name: string): HoldfastError {
  return new HoldfastError('grant_unknown', `${scope} has no grant of ${name}`, { next: 'see: holdfast vault list' });
}

export async function ungrant(output: Output, name: string, options: OperatorOptions & { readonly from: string }): Promise<void> {
  await asOperator(output, options, async (session) => {
    const agent = session.agent(options.from);
    const held = heldBy(session, agent, name);
    if (held === undefined) throw notGranted(agent, name);
    await session.write((operator) => endGrant(operator, { agent: agent.id, grant: held.grant }));
    const here = await session.appliedHere();
    output.result({ grant: held.grant, agent: agent.id, name, applied: here === 'applied' }, [
      `${agent.scope} may not use ${name} any more`,
    ]);
  });
}

export async function remove(output: Output, name: string, options: OperatorOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const item = itemNamed(session, name);
    await session.write((operator) => removeItem(operator, item.id));
    const here = await session.appliedHere();
    output.result({ item: item.id, name, applied: here === 'applied' }, [
      `${name} is removed, and every grant of it has ended`,
      '  next: rotate it upstream if it should die there too',
    ]);
  });
}
