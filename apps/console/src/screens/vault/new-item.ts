// A credential as it is typed into the form, turned into the terms that are signed by the same readers as `holdfast vault add` has. The secret is not here.

import { HoldfastError } from '@holdfast/protocol/errors';
import { withLimits } from '@holdfast/protocol/vault/fence';
import { vaultItem, type VaultItem } from '@holdfast/protocol/vault/item';
import { templateNamed } from '@holdfast/protocol/vault/templates';
import { parseAttach, parseFence, parsePins } from '@holdfast/protocol/vault/terms';
import { linesOf } from './grant-form.ts';

export interface NewItemForm {
  readonly name: string;
  readonly purpose: string;
  /** Hosts, one a line. */
  readonly hosts: string;
  readonly methods: string;
  readonly paths: string;
  readonly attach: string;
  readonly env: string;
  readonly allowPrivate: boolean;
  /** PEM */
  readonly ca: string;
  readonly pin: string;
}

export const emptyItemForm: NewItemForm = {
  ...{ name: '', purpose: '', hosts: '', methods: '', paths: '', attach: 'bearer' },
  ...{ env: '', allowPrivate: false, ca: '', pin: '' },
};

/** What the template says takes the place of what was said of where and how; a name that was typed stays. */
export function fromTemplate(form: NewItemForm, template: string): NewItemForm {
  const { hosts, attach, paths, variables } = templateNamed(template);
  return {
    ...form,
    name: form.name === '' ? template : form.name,
    hosts: hosts.join('\n'),
    paths: paths.join('\n'),
    attach,
    env: variables[0] ?? '',
  };
}

/** Throws `usage`, with what would be right. */
export function itemOf(form: NewItemForm, id: Uint8Array): VaultItem {
  const [hosts, methods, paths, pins] = [form.hosts, words(form.methods), form.paths, form.pin].map(linesOf);
  const fence = parseFence({
    hosts: hosts ?? [],
    methods: methods ?? [],
    paths: paths ?? [],
    allowPrivate: form.allowPrivate,
    ...(form.ca.trim() !== '' && { ca: form.ca }),
  });
  const pinned = pins === undefined || pins.length === 0 ? fence : withLimits(fence, { pins: parsePins(pins) });
  const [name, purpose, env] = [form.name.trim(), form.purpose.trim(), form.env.trim()];
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    throw new HoldfastError('usage', `not a name: ${name === '' ? 'nothing' : name}`, {
      next: 'write small letters, digits, dots, dashes and underscores, 64 at most',
    });
  const attach = parseAttach(form.attach.trim());
  const wanted = {
    ...{ id, name, attach, fence: pinned },
    ...(purpose !== '' && { purpose }),
    ...(env !== '' && { env }),
  };
  try {
    return vaultItem.parse(wanted, 'credential');
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw new HoldfastError('usage', cause.message, { cause, ...(cause.next !== undefined && { next: cause.next }) });
  }
}

const words = (typed: string): string => typed.replaceAll(/[\s,]+/g, '\n');
