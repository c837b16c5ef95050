// Bedrock in an agent's context: what the operators signed, said with its source, at the start of every context and again when it has changed.
// spec/guard.md [GUARD-9].

/** What a state holds of it; without texts there is nothing to say. */
export interface BedrockNow {
  /** How often it has changed. */
  readonly version: number;
  readonly texts: readonly string[];
}

/** Conversations that are followed; a forgotten one hears it all again. */
const maxConversations = 256;

export class BedrockContext {
  readonly #now: () => BedrockNow;
  readonly #told: (version: number) => void;
  /** The version that each conversation has heard. */
  readonly #heard = new Map<string, number>();

  /** `told`: which version a conversation's context has from now on. */
  constructor(now: () => BedrockNow, told: (version: number) => void = () => {}) {
    this.#now = now;
    this.#told = told;
  }

  /** At the beginning of a context. A sub-agent's is its own: what it hears its parent has not heard. */
  forStart(conversation: string, event: 'SessionStart' | 'SubagentStart'): string | undefined {
    const now = this.#now();
    if (event === 'SessionStart') this.#hear(conversation, now.version);
    return now.texts.length === 0 ? undefined : statement(now);
  }

  /** At a later turn: only what that conversation has not heard. */
  forTurn(conversation: string): string | undefined {
    const now = this.#now();
    const heard = this.#heard.get(conversation);
    if (heard === now.version) {
      this.#told(now.version);
      return undefined;
    }
    this.#hear(conversation, now.version);
    if (now.texts.length > 0) return statement(now);
    return heard === undefined ? undefined : 'Holdfast: the operators have withdrawn all of their signed statements.';
  }

  /** Its context is about to be made anew. Should nothing ask at that beginning, the next turn brings it. */
  forget(conversation: string): void {
    this.#heard.delete(conversation);
  }

  #hear(conversation: string, version: number): void {
    this.#told(version);
    this.#heard.delete(conversation);
    this.#heard.set(conversation, version);
    for (const oldest of this.#heard.keys()) {
      if (this.#heard.size <= maxConversations) break;
      this.#heard.delete(oldest);
    }
  }
}

/** As JSON texts: no statement can end the list or begin another. */
function statement({ version, texts }: BedrockNow): string {
  const lines = texts.map((text) => `- ${JSON.stringify(text)}`);
  return [
    `Holdfast: statements signed by the operators of this fleet, version ${version}. They hold until a later version replaces them all.`,
    ...lines,
  ].join('\n');
}
