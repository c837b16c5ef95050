// What the record says of one use when it is over, spec/audit.md `credentialed`: for how long the secret was there, and whether its bytes
// were handed to a connection. It is opened after the use is recorded [TIME-10]. A client that leaves while custody still opens the secret does not end that: the record waits for it.

export class UseRecord {
  readonly #nowUs: () => number;
  readonly #write: (credentialedUs: number, sent: boolean) => void;
  #state: 'closed' | 'opening' | 'open' | 'recorded' = 'closed';
  #openedUs = 0;
  #failed = false;

  /** `write` is called once. `nowUs` never falls. */
  constructor(nowUs: () => number, write: (credentialedUs: number, sent: boolean) => void) {
    this.#nowUs = nowUs;
    this.#write = write;
  }

  /** Opens the secret; what `open` throws is thrown. */
  async open<Secret>(open: () => Promise<Secret>): Promise<Secret> {
    this.#state = 'opening';
    try {
      const secret = await open();
      this.#openedUs = this.#nowUs();
      this.#state = 'open';
      return secret;
    } catch (thrown) {
      this.#state = 'closed';
      if (this.#failed) this.#record(0, false);
      throw thrown;
    }
  }

  /** The secret is overwritten. */
  wiped(sent: boolean): void {
    this.#record(Math.max(0, Math.round(this.#nowUs() - this.#openedUs)), sent);
  }

  failed(): void {
    this.#failed = true;
    if (this.#state === 'closed') this.#record(0, false);
  }

  #record(credentialedUs: number, sent: boolean): void {
    if (this.#state === 'recorded') return;
    this.#state = 'recorded';
    this.#write(credentialedUs, sent);
  }
}
