// What disguises are put together from.

export type Disguise = (command: string) => string | undefined;

export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
export const isPlain = (command: string): boolean => /^[\w./:@=+~-]+( [\w./:@=+~-]+)*$/.test(command);
export const ofWords =
  (change: (words: string[]) => string): Disguise =>
  (command) =>
    isPlain(command) ? change(command.split(' ')) : undefined;
export const json = (text: string): string => JSON.stringify(text);
export const hex = (text: string): string => Buffer.from(text).toString('hex');
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
