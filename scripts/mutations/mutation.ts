// What `npm run mutate` switches off: one control at a time, each by replacing one piece of text, and the tests that must turn red.
//
// To add one: an entry in the file of its area, its id beginning with the claim of THREAT_MODEL.md that it belongs to. Take the
// smallest text that is the control and leaves a program that compiles. `npm run check -- claims` says what is wrong with it,
// `npm run mutate -- ID` whether the test is red. With the control off the test's attack succeeds, perhaps as root and on somebody's
// machine: name no test whose attack would do harm then.

export interface Mutation {
  /** The claim, a dot and a few words: `S-3.user-namespace`. */
  readonly id: string;
  /** What is no longer so, in words. */
  readonly off: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Test files, and of each what turns red: a part of a test's name, '' for the file as a whole. Each of them must turn red. */
  readonly red: Readonly<Record<string, string>>;
  /** Where the test fails by something else than an assertion of its own: a part of what is thrown. */
  readonly says?: string;
}

/** The claims of one section of THREAT_MODEL.md. */
export interface Area {
  readonly mutations: readonly Mutation[];
  /** Claims that no mutation of one text can break, and why. */
  readonly exceptions: Readonly<Record<string, string>>;
}

export function claimOf(mutation: Mutation): string {
  return mutation.id.split('.')[0] ?? '';
}

/** The mutation's file with the control off. Throws when the text does not stand there exactly once: the catalogue is out of date. */
export function mutated(mutation: Mutation, text: string): string {
  const times = text.split(mutation.from).length - 1;
  if (times !== 1) throw new Error(`the text to replace stands in ${mutation.file} ${times} times, not once: ${mutation.from}`);
  if (mutation.from === mutation.to) throw new Error('it changes nothing');
  return text.replace(mutation.from, () => mutation.to);
}
