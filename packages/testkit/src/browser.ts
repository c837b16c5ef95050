// A real Chromium for stories about the console: a visitor is a browser profile of its own, with a window of one size and a passkey of
// its own. What the page says on its console, throws or is refused by its policy counts against it.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core';
import { patienceMs } from './patience.ts';

export const phone = { width: 360, height: 740 } as const;
export const desk = { width: 1280, height: 800 } as const;

export interface VisitorOptions {
  /** A phone unless said otherwise. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly theme?: 'light' | 'dark';
  readonly reducedMotion?: boolean;
  /** Pixels of the screen for one of the page, for pictures that people look at. */
  readonly scale?: number;
  /** Without: a browser that has none. `prf` false: one that can't derive a secret. */
  readonly passkey?: 'prf' | 'plain' | 'none';
}

const programs = ['chromium', 'chromium-browser', 'google-chrome'];

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return programs.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
}

/** Why there is no browser here, for `{ skip }`; false when there is one. */
export const noChromium: string | false = findChromium() === undefined ? 'no Chromium on PATH' : false;

export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  /** What the browser itself leaves lying about goes with it. */
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  /** `hosts` lead to this machine: `rebound.example`. */
  static async launch({ hosts = [] }: { readonly hosts?: readonly string[] } = {}): Promise<TestBrowser> {
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('no Chromium on PATH');
    const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(', ');
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-browser-'));
    const browser = await chromium.launch({
      executablePath,
      env: { ...process.env, TMPDIR: folder },
      timeout: patienceMs,
      args: [...asRoot(), ...(rules === '' ? [] : [`--host-resolver-rules=${rules}`])],
    });
    return new TestBrowser(browser, folder);
  }

  /** Somebody with a profile of their own, at the console that answers at `url`. */
  async visitor(url: string, options: VisitorOptions = {}): Promise<Visitor> {
    const { size = phone, theme = 'light', reducedMotion = false, scale = 1, passkey = 'prf' } = options;
    const context = await this.#browser.newContext({
      viewport: size,
      deviceScaleFactor: scale,
      baseURL: url,
      colorScheme: theme,
      reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
      hasTouch: size.width < 600,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    context.setDefaultTimeout(patienceMs);
    const visitor = new Visitor(context, `${size.width}x${size.height}-${theme}`);
    return visitor.begin(passkey);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Somebody whose profile lies in `folder`, and stays there when they go: what is written to disk can be looked at. */
export async function openProfile(
  folder: string,
  url: string,
  { size = desk, passkey = 'prf' }: VisitorOptions = {},
): Promise<Visitor> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium on PATH');
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    timeout: patienceMs,
    args: [...asRoot()],
    viewport: size,
    baseURL: url,
  });
  context.setDefaultTimeout(patienceMs);
  return new Visitor(context, `${size.width}x${size.height}-profile`).begin(passkey);
}

/** Chromium's own sandbox is not for root. */
const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--no-sandbox'] : []);

export class Visitor implements AsyncDisposable {
  readonly context: BrowserContext;
  readonly #label: string;
  #page: Page | undefined;
  #devtools: CDPSession | undefined;
  #authenticator: string | undefined;
  /** What the page's console said as errors, what it threw, and what its policy refused. */
  readonly faults: string[] = [];

  constructor(context: BrowserContext, label: string) {
    this.context = context;
    this.#label = label;
  }

  /** The first tab. */
  get page(): Page {
    if (this.#page === undefined) throw new Error('the visitor has no page yet');
    return this.#page;
  }

  async begin(passkey: 'prf' | 'plain' | 'none'): Promise<this> {
    this.context.on('page', (page) => this.#watch(page));
    this.#page = await this.context.newPage();
    if (passkey === 'none') return this;
    this.#devtools = await this.context.newCDPSession(this.page);
    await this.#devtools.send('WebAuthn.enable', { enableUI: false });
    const { authenticatorId } = await this.#devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        hasPrf: passkey === 'prf',
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    this.#authenticator = authenticatorId;
    return this;
  }

  #watch(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.faults.push(String(error)));
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(path, { timeout: patienceMs });
  }

  /** Whether the person at the passkey is who it belongs to, from now on: false is a finger that it does not know. */
  async recognise(isUserVerified: boolean): Promise<void> {
    if (this.#devtools === undefined || this.#authenticator === undefined) throw new Error('this visitor has no passkey');
    await this.#devtools.send('WebAuthn.setUserVerified', { authenticatorId: this.#authenticator, isUserVerified });
  }

  /** Whether the passkey answers without having looked who is there, from now on; a finger that it does not know locks it instead. */
  async unverified(isBadUV: boolean): Promise<void> {
    if (this.#devtools === undefined || this.#authenticator === undefined) throw new Error('this visitor has no passkey');
    await this.#devtools.send('WebAuthn.setResponseOverrideBits', { authenticatorId: this.#authenticator, isBadUV });
  }

  /** The offline of the browser's own. */
  async offline(isOffline: boolean): Promise<void> {
    await this.context.setOffline(isOffline);
  }

  /** Throws with what is there against the page, but for what a story expects. */
  assertNoFaults(expected: readonly RegExp[] = []): void {
    const others = this.faults.filter((fault) => !expected.some((each) => each.test(fault)));
    if (others.length > 0) throw new Error(`the page has faults:\n${others.join('\n')}`);
  }

  /** Throws with each serious or critical fault that axe finds on what is shown. */
  async assertAccessible(): Promise<void> {
    // what is half faded in has half its contrast; what moves for ever is not waited for
    await this.page.evaluate(`Promise.all(document.getAnimations()
      .filter(({ effect }) => effect !== null && effect.getComputedTiming().endTime !== Infinity)
      .map(({ finished }) => finished.catch(() => undefined)))`);
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const faults = violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, help, nodes }) =>
          `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`,
      );
    if (faults.length > 0) throw new Error(`not accessible (${this.#label}):\n${faults.join('\n')}`);
  }

  /** Throws when something stands out of the window to the side: a page that scrolls both ways is none for a thumb. */
  async assertFits(): Promise<void> {
    const [wide, window] = await this.page.evaluate<readonly [number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    if (wide > window) throw new Error(`the page is ${wide} px wide in a window of ${window} px`);
  }

  /** Into the folder that HOLDFAST_SCREENSHOTS names; nothing without. */
  async screenshot(name: string): Promise<void> {
    const folder = process.env['HOLDFAST_SCREENSHOTS'];
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}-${this.#label}.png`), animations: 'disabled' });
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
