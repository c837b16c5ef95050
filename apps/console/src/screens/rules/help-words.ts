// What each word of the rule language says, beside the editor. The language itself is spec/rules.md; that none of its words is missing here is tested against
// spec/rules.schema.json.

export interface WordGroup {
  readonly title: string;
  readonly words: Readonly<Record<string, string>>;
}

export const helpWords: readonly WordGroup[] = [
  {
    title: 'At the top',
    words: {
      packs: 'Curated packs that are put in.',
      without: 'Ids of rules of the packs that are left out.',
      rules: 'Your rules, each under an id of its own.',
    },
  },
  {
    title: 'What a rule does: one of these, with the tools that it is about',
    words: {
      deny: 'It does not happen.',
      ask: 'An operator is asked, and decides.',
      warn: 'It happens, and the agent is told.',
      rewrite: 'It is changed before it happens.',
      label: 'It happens, and labels the session.',
    },
  },
  {
    title: 'When: all that are named must hold, of a list one is enough',
    words: {
      command: 'Program and sub-commands: git push. | parts choices, * is any one word, ** any number of words.',
      flags: 'Each must be there in one of its spellings: --force|-f. --name=GLOB asks for its value, -- for the end of flags.',
      args: 'Globs; one of the operands matches one of them.',
      into: 'Programs that read its output as code.',
      from: 'Programs whose output it reads.',
      via: 'Wrappers that start it: sudo, xargs.',
      sets: 'Environment variables that it sets or unsets.',
      paths: 'Path patterns: /etc, ~/.ssh, ./build, or anywhere: .env, *.pem. What is below is covered.',
      case: 'Whether upper and lower case of paths differ.',
      hosts: 'Hosts: api.example.com, *.example.com, *.',
      methods: 'Methods of requests: POST.',
      server: 'MCP servers.',
      tool: 'Tools of the MCP server.',
      input:
        "JSON pointers into the call's input, and the values or globs of which one stands there. * is any one key, ** any number.",
      text: 'What is said, found anywhere whatever its case; * is anything within a line.',
      agent: 'Ids of agents.',
      scope: 'Scopes of agents.',
      subagent: 'Sub-agents.',
      repository: 'Repositories, as github.com/owner/name.',
      branch: 'Branches.',
      mode: 'How the session runs.',
      under: 'Labels that the session carries.',
      hours: 'mon-fri 09:00-17:00 Europe/Berlin: days and times may be left out, the zone not.',
      any: 'One of these sets of conditions holds as well.',
    },
  },
  {
    title: 'And besides',
    words: {
      unless: 'What exempts: one of these that holds is enough.',
      opaque: 'What happens where it cannot be told whether the rule applies: deny, ask, warn or allow.',
      severity: 'low, medium, high or critical.',
      reason: 'Why. The agent and the operator read it.',
      instead: 'What is allowed in its place.',
      as: 'Of label: what the session is labelled with.',
      add: "Of rewrite: words that are put after the command's sub-commands.",
      replace: 'Of rewrite: the program and sub-commands to take instead.',
      set: 'Of rewrite: values at JSON pointers of the input.',
      hits: 'Examples that the rule must catch.',
      misses: 'Examples that must pass it.',
    },
  },
];
