// Terms of credentials that many people have, so that nobody has to look up where theirs stands in a request, spec/vault.md. A template only
// fills in what was not said; what is signed is written out as ever.

import { HoldfastError } from '../errors.ts';
import { parseAttach } from './terms.ts';

export interface Template {
  /** None where it stands for a way to attach a secret alone. */
  readonly hosts: readonly string[];
  readonly attach: string;
  readonly paths: readonly string[];
  /** The first is the variable inside sessions; all are names under which people keep it. */
  readonly variables: readonly string[];
}

const templates: Readonly<Record<string, Template>> = {
  anthropic: {
    hosts: ['api.anthropic.com'],
    attach: 'header:x-api-key',
    paths: ['/v1/**'],
    variables: ['ANTHROPIC_API_KEY'],
  },
  github: { hosts: ['api.github.com'], attach: 'bearer', paths: ['/**'], variables: ['GITHUB_TOKEN', 'GH_TOKEN'] },
  'github-git': {
    hosts: ['github.com'],
    attach: 'basic:x-access-token',
    paths: ['/**'],
    variables: ['GITHUB_GIT_TOKEN'],
  },
  npm: { hosts: ['registry.npmjs.org'], attach: 'bearer', paths: ['/**'], variables: ['NPM_TOKEN', 'NODE_AUTH_TOKEN'] },
  openai: { hosts: ['api.openai.com'], attach: 'bearer', paths: ['/v1/**'], variables: ['OPENAI_API_KEY'] },
  pypi: {
    hosts: ['upload.pypi.org'],
    attach: 'basic:__token__',
    paths: ['/legacy/'],
    variables: ['TWINE_PASSWORD', 'UV_PUBLISH_TOKEN', 'PYPI_TOKEN', 'PYPI_API_TOKEN'],
  },
  pushover: {
    hosts: ['api.pushover.net'],
    attach: 'body:/token',
    paths: ['/1/messages.json'],
    variables: ['PUSHOVER_TOKEN', 'PUSHOVER_APP_TOKEN'],
  },
  slack: { hosts: ['slack.com'], attach: 'bearer', paths: ['/api/**'], variables: ['SLACK_BOT_TOKEN', 'SLACK_TOKEN'] },
  stripe: { hosts: ['api.stripe.com'], attach: 'bearer', paths: ['/v1/**'], variables: ['STRIPE_SECRET_KEY', 'STRIPE_API_KEY'] },
  turnstile: {
    hosts: ['challenges.cloudflare.com'],
    attach: 'body:/secret',
    paths: ['/turnstile/v0/siteverify'],
    variables: ['TURNSTILE_SECRET_KEY', 'TURNSTILE_SECRET'],
  },
};

export const templateNames: readonly string[] = Object.keys(templates);

/** Of a service, or a way to attach a secret anywhere, as `--attach` takes it. Throws `usage`, with the names that there are. */
export function templateNamed(name: string): Template {
  const template = Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (template !== undefined) return template;
  if (!/^(?:basic|bearer|body|header|query)(?::|$)/.test(name))
    throw new HoldfastError('usage', `there is no template ${JSON.stringify(name)}`, {
      next: `one of ${templateNames.join(', ')}; or bearer, basic[:USER], header:NAME, query:NAME or body:/POINTER with --host`,
    });
  parseAttach(name);
  return { hosts: [], attach: name, paths: [], variables: [] };
}

/** The name of the template whose credential people keep in this variable. */
export function templateForVariable(variable: string): string | undefined {
  return templateNames.find((name) => templates[name]?.variables.includes(variable) === true);
}
