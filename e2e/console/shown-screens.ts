// Every screen of the console, how one goes there by keys, and what says that all of it is there.

import type { Visitor } from '@holdfast/testkit/browser';
import { go } from './operator-browser.ts';

export interface ShownScreen {
  readonly name: string;
  /** Resolves when what it shows has settled. */
  open(visitor: Visitor): Promise<void>;
}

/** The second key after `g`, and the heading that has come then. */
async function press({ page }: Visitor, key: string, heading: string): Promise<void> {
  await page.keyboard.press('g');
  await page.keyboard.press(key);
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
}

/** All asks lie still: a tap counts. */
async function answerable({ page }: Visitor): Promise<void> {
  await page.getByRole('button', { name: 'Once', exact: true, disabled: false }).first().waitFor();
  await page.getByRole('button', { name: 'Once', exact: true, disabled: true }).first().waitFor({ state: 'detached' });
}

/** Before a browser has a key. */
export const closedScreens: readonly ShownScreen[] = [
  {
    name: 'welcome',
    async open(visitor) {
      await visitor.goto('/');
      await visitor.page.getByLabel('Name of the fleet').waitFor();
    },
  },
  {
    name: 'join',
    async open(visitor) {
      await visitor.goto('/join');
      await visitor.page.getByLabel('Name of this device').waitFor();
    },
  },
  {
    name: 'recover',
    async open(visitor) {
      await visitor.goto('/recover');
      await visitor.page.getByLabel('Recovery code').waitFor();
    },
  },
];

/** While it is unlocked; the last one locks it. */
export const openScreens: readonly ShownScreen[] = [
  {
    name: 'now',
    async open(visitor) {
      await press(visitor, 'n', 'Now');
      await answerable(visitor);
      await visitor.page.getByRole('img', { name: /^Permissioned time beside one standing key/ }).waitFor();
    },
  },
  {
    name: 'approvals',
    async open(visitor) {
      await press(visitor, 'p', 'Approvals');
      await answerable(visitor);
    },
  },
  {
    name: 'agents',
    async open(visitor) {
      await press(visitor, 'a', 'Agents');
      await visitor.page
        .getByText(/^research/)
        .first()
        .waitFor();
      await visitor.page.getByText('suspended', { exact: true }).first().waitFor();
    },
  },
  {
    name: 'agent',
    async open(visitor) {
      await press(visitor, 'a', 'Agents');
      await visitor.page.getByRole('link', { name: /^main/ }).first().click();
      await visitor.page.getByRole('img', { name: /^Acts by hour in the last day/ }).waitFor();
    },
  },
  {
    name: 'pair',
    async open(visitor) {
      await press(visitor, 'a', 'Agents');
      await visitor.page.getByRole('link', { name: 'Pair an agent' }).first().click();
      await visitor.page.getByLabel('Code or address').waitFor();
    },
  },
  {
    name: 'vault',
    async open(visitor) {
      await press(visitor, 'v', 'Vault');
      await visitor.page.getByRole('link', { name: /^github.*used/ }).waitFor();
    },
  },
  {
    name: 'vault-item',
    async open(visitor) {
      await press(visitor, 'v', 'Vault');
      await visitor.page.getByRole('link', { name: /^github/ }).click();
      await visitor.page.getByText(/^Used \d+ in all/).waitFor();
    },
  },
  {
    name: 'vault-grant',
    async open(visitor) {
      await press(visitor, 'v', 'Vault');
      await visitor.page.getByRole('link', { name: /^payments/ }).click();
      await visitor.page.getByRole('button', { name: 'Grant', exact: true }).click();
      await visitor.page.getByLabel('How often').waitFor();
    },
  },
  {
    name: 'vault-add',
    async open(visitor) {
      await press(visitor, 'v', 'Vault');
      await visitor.page.getByRole('button', { name: 'Add a credential' }).click();
      await visitor.page.getByLabel('Secret').waitFor();
    },
  },
  ...['Open hosts', 'Budgets'].map((tab) => ({
    name: `vault-${tab.toLowerCase().replace(' ', '-')}`,
    async open(visitor: Visitor) {
      await press(visitor, 'v', 'Vault');
      await visitor.page.getByRole('tab', { name: tab }).click();
      await visitor.page.getByRole('tabpanel', { name: tab }).waitFor();
    },
  })),
  {
    name: 'time',
    async open(visitor) {
      await press(visitor, 't', 'Permissioned time');
      await visitor.page.getByRole('img', { name: /^github: 2 calls in 30 days/ }).waitFor();
    },
  },
  {
    name: 'rules',
    async open(visitor) {
      await press(visitor, 'r', 'Rules');
      await visitor.page.getByText('It is what is in force.').waitFor();
      await visitor.page.getByText(/recorded acts/).waitFor();
    },
  },
  {
    name: 'bedrock',
    async open(visitor) {
      await press(visitor, 'b', 'Bedrock');
      await visitor.page.getByRole('list', { name: 'Texts' }).getByRole('listitem').first().waitFor();
    },
  },
  {
    name: 'bedrock-write',
    async open(visitor) {
      await press(visitor, 'b', 'Bedrock');
      await visitor.page.getByRole('button', { name: 'Write a text' }).click();
      await visitor.page.getByLabel('What every agent should know').waitFor();
    },
  },
  {
    name: 'audit',
    async open(visitor) {
      await press(visitor, 'l', 'Audit');
      await visitor.page.getByText(/^[\d,]+ of [\d,]+ records$/).waitFor();
    },
  },
  {
    name: 'audit-story',
    async open(visitor) {
      await press(visitor, 'l', 'Audit');
      await visitor.page.getByLabel('Search').fill('/repos/acme/shop/issues');
      await visitor.page
        .getByRole('list', { name: 'Records, newest first' })
        .getByRole('link')
        .filter({ hasText: '/repos/acme/shop/issues' })
        .first()
        .click();
      await visitor.page
        .getByRole('article')
        .getByText(/records hashed, held against/)
        .waitFor();
    },
  },
  {
    name: 'devices',
    async open(visitor) {
      await press(visitor, 'd', 'Devices');
      await visitor.page.getByText('· this one').waitFor();
    },
  },
  {
    name: 'device-add',
    async open(visitor) {
      await press(visitor, 'd', 'Devices');
      await visitor.page.getByRole('button', { name: 'Add a device' }).click();
      await visitor.page.getByRole('img', { name: 'Address for the new device' }).waitFor();
    },
  },
  {
    name: 'freshness',
    async open(visitor) {
      await press(visitor, 'f', 'Freshness');
      await visitor.page.getByRole('table').waitFor();
    },
  },
  {
    name: 'more',
    async open(visitor) {
      await press(visitor, 'n', 'Now');
      const more = visitor.page.getByRole('link', { name: 'More', exact: true }).filter({ visible: true });
      if ((await more.count()) === 0) return; // a desk has all places at its side
      await go(visitor, 'More');
      await visitor.page.getByRole('navigation', { name: 'More' }).waitFor();
    },
  },
  {
    name: 'settings',
    async open(visitor) {
      await press(visitor, 's', 'Settings');
      await visitor.page.getByLabel('Theme').waitFor();
    },
  },
  {
    name: 'locked',
    async open(visitor) {
      await press(visitor, 's', 'Settings');
      await visitor.page.getByRole('button', { name: 'Lock now' }).click();
      await visitor.page.getByRole('button', { name: 'Unlock with passkey' }).waitFor();
    },
  },
];
