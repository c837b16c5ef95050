// A fleet that shows something on every screen: agents at two standings, one with a sub-agent, asks that wait, a credential that is granted and used and one
// that nobody may use, rules, bedrock, a log with a witness. Real daemon and relay; the harness is a few lines of shell that speak at the session's door as
// Claude Code's hooks do.

import { TestBrowser, type Visitor, type VisitorOptions } from '@holdfast/testkit/browser';
import { newCanary } from '@holdfast/testkit/canary';
import { Installation } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { startOrigin, type Origin, type Service } from '@holdfast/testkit/origin';
import { asksForForcePush, joinFleet } from './operator-browser.ts';

/** A line of standard input is an id and a hook's event, or `get` and a path: what came of it is said with the id before it. */
const harness = `
echo ready
port=$(printf %s "$HTTP_PROXY" | sed 's/.*:\\([0-9]*\\).*/\\1/')
while read -r id rest; do
  { case $id in
      get*) curl -sS -o /dev/null -w "$id %{http_code}\\n" "$SERVICE$rest" ;;
      *) printf %s "$rest" | curl -sS --noproxy '*' --max-time 600 -H 'content-type: application/json' --data-binary @- "http://127.0.0.1:$port/v1/hook/claude-code" | sed "s/^/$id /" ;;
    esac
    echo "$id done"; } &
done
wait`;

/** What a sub-agent's hooks have besides. */
interface SubAgent {
  readonly agent_id: string;
  readonly agent_type: string;
}

const asSubAgent: SubAgent = { agent_id: 'a7', agent_type: 'research' };

export interface ShownOptions {
  readonly rules?: string;
  readonly bedrock?: string;
  readonly purpose?: string;
  /** A push service that the relay is told of, with a contact for it. */
  readonly push?: Service;
}

export class ShownFleet implements AsyncDisposable {
  readonly holdfast: Installation;
  readonly origin: Origin;
  readonly browser: TestBrowser;
  readonly #program: LiveProgram;
  #count = 0;

  private constructor(holdfast: Installation, origin: Origin, browser: TestBrowser, program: LiveProgram) {
    this.holdfast = holdfast;
    this.origin = origin;
    this.browser = browser;
    this.#program = program;
  }

  static async create({ rules = asksForForcePush, bedrock, purpose, push }: ShownOptions = {}): Promise<ShownFleet> {
    const [holdfast, origin, browser] = await Promise.all([Installation.create(), startOrigin(), TestBrowser.launch()]);
    const environment = push && {
      HOLDFAST_PUSH_CONTACT: 'mailto:ops@example.com',
      HOLDFAST_PUSH_SERVICES: `https://${push.host}:${push.port}`,
      HOLDFAST_PUSH_CA: await holdfast.keepCa(push),
    };
    await holdfast.start({ console: true, ...(environment && { environment }) });
    await holdfast.must(['init', '--name', 'home', '--json']);
    await holdfast.enrol('main');
    await holdfast.addCredential('github', newCanary(), origin, {
      env: 'GITHUB_TOKEN',
      paths: ['/repos/**'],
      purpose: purpose ?? 'reads the issues of our repositories',
    });
    await holdfast.must(['vault', 'grant', 'github', '--to', 'main', '--max', '40/h', '--hours', '00:00-24:00 Europe/Berlin']);
    await holdfast.addCredential('payments', newCanary(), origin, { paths: ['/v1/payments'], methods: ['POST'] });
    await holdfast.applyRules(rules);
    await holdfast.must([
      'bedrock',
      'add',
      bedrock ?? 'Never push to main. Open a pull request, and say what you tried.',
      '--json',
    ]);
    await holdfast.enrol('nightly');
    await holdfast.must(['suspend', 'nightly']);
    await holdfast.must(['audit', 'witness']);
    const service = `SERVICE=https://${origin.host}:${origin.port}`;
    const program = holdfast.session(['sh', '-c', `${service}\n${harness}`]);
    await program.waitFor(/ready/);
    return new ShownFleet(holdfast, origin, browser, program);
  }

  /** Somebody who is an operator of it, at Now. */
  async operator(name: string, options: VisitorOptions = {}): Promise<Visitor> {
    const visitor = await this.browser.visitor(this.holdfast.consoleUrl ?? '', options);
    await joinFleet(visitor, this.holdfast, name);
    return visitor;
  }

  /** A browser that has no key yet. */
  stranger(options: VisitorOptions = {}): Promise<Visitor> {
    return this.browser.visitor(this.holdfast.consoleUrl ?? '', options);
  }

  /** Raises a hook; resolves with its id, and leaves it to wait for its answer. */
  raise(event: Readonly<Record<string, unknown>>): string {
    const id = `h${(this.#count += 1)}`;
    this.#program.write(`${id} ${JSON.stringify({ session_id: 'c', cwd: this.holdfast.work, ...event })}\n`);
    return id;
  }

  /** The hook's answer. */
  async answered(id: string): Promise<string> {
    await this.#program.waitFor(new RegExp(`^${id} done`, 'm'));
    const line = this.#program.said.split('\n').find((each) => each.startsWith(`${id} {`)) ?? '';
    return /"permissionDecision":"(\w+)"/.exec(line)?.[1] ?? 'no objection';
  }

  /** Resolves once so many of these were answered. */
  async saidOf(ids: readonly string[], count: number): Promise<void> {
    const over = new RegExp(`^(?:${ids.join('|')}) done$`, 'gm');
    const answered = (): true | undefined => ([...this.#program.said.matchAll(over)].length >= count ? true : undefined);
    await this.#program.until(answered, `${count} answers`);
  }

  /** A hook that is answered at once. */
  async tell(event: Readonly<Record<string, unknown>>): Promise<string> {
    return this.answered(this.raise(event));
  }

  /** A shell command that the agent is about to run; `as` it or a sub-agent of it. */
  command(command: string, as?: SubAgent): string {
    const name = { hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command } };
    return this.raise({ ...name, tool_use_id: `toolu_${this.#count}`, ...as });
  }

  /** One call with the credential: its status. */
  async get(path: string): Promise<string> {
    const id = `get${(this.#count += 1)}`;
    this.#program.write(`${id} ${path}\n`);
    const [, status = ''] = await this.#program.waitFor(new RegExp(`^${id} (\\d+)`, 'm'));
    return status;
  }

  /** A working day: prompts, calls, files, a sub-agent at work, and acts that were stopped. */
  async work(): Promise<void> {
    await this.tell({ hook_event_name: 'UserPromptSubmit', prompt: 'Which issues are new since Friday? Fix the easy ones.' });
    await this.get('/repos/acme/shop/issues');
    await this.get('/repos/acme/shop/issues/17');
    await this.get('/v2/elsewhere');
    await this.answered(this.command('npm test -- src/cart'));
    await this.tell({
      hook_event_name: 'PreToolUse',
      tool_use_id: 'toolu_task',
      tool_name: 'Task',
      tool_input: { subagent_type: asSubAgent.agent_type, prompt: 'Find where the cart loses an item.', description: 'look' },
    });
    await this.tell({ hook_event_name: 'SubagentStart', ...asSubAgent });
    await this.answered(this.command('rg "removeItem" src/cart', asSubAgent));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.closeInput();
    await this.#program.end();
    await this.browser.close();
    await this.holdfast.remove();
    await this.origin.close();
  }
}
