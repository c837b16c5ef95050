// Values as people are shown them: foreign text with what a screen would obey or hide written out, amounts and spans of time in plain words. What is
// canonical is elsewhere; nothing here is read back.

/** What a terminal obeys, and what it shows nothing of: variation selectors carry whole texts, fillers are letters to Unicode. */
export const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Such characters shown as what they are: names and reasons come from other machines. [CLI-6] */
export function visible(text: string): string {
  return text.replaceAll(unseen, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** For a glance: what changes from look to look is left out. */
export function coarse(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : duration(ms);
}

export function ago(ms: number): string {
  return ms < 5_000 ? 'just now' : `${coarse(ms)} ago`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** In decimal units, as limits are written. */
export function size(bytes: number): string {
  const unit = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return unit === 0 ? `${bytes} B` : `${(bytes / 1000 ** unit).toFixed(1)} ${['KB', 'MB', 'GB', 'TB'][unit - 1]}`;
}

/** `one`, `one and two`, `one, two and three`. */
export function listed(words: readonly string[], joint: 'and' | 'or' = 'and'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${joint} ${last}`;
}

const minutes = new Map<string, Intl.DateTimeFormat>();

/** `2026-12-01 18:00 UTC`, with seconds where there are any. `zone`: IANA. */
export function instant(atMs: number, zone = 'UTC'): string {
  const format =
    minutes.get(zone) ??
    new Intl.DateTimeFormat('en', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    });
  minutes.set(zone, format);
  const of = new Map<string, string>(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map(
    (part) => of.get(part) ?? '',
  );
  const seconds = second === '00' ? '' : `:${second}`;
  return `${year}-${month}-${day} ${hour}:${minute}${seconds} ${of.get('timeZoneName') ?? zone}`;
}
