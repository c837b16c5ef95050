// Where the mod asks. In a session stands in its place what the daemon wrote for it (settings.ts); this one leads nowhere, and so denies.

export const door: string = 'http://127.0.0.1:0/';
export const headers: Readonly<Record<string, string>> = {};
export const deadlineMs: number = 0;
export const model: string = 'http://127.0.0.1:0';
/** An address that is not under `model`. */
export const elsewhere: RegExp = /^/;
