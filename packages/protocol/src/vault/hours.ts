// Hours of the week in a time zone, spec/fence.md and spec/rules.md: as they are kept, how their days are written, and whether an instant lies within
// them. The zone's calendar, summer time included, is the platform's; the instant is an argument.

/** Minutes after midnight, `to` excluded; where `to` is not after `from`, over midnight. */
export interface Hours {
  /** 0 is Sunday. */
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
  /** IANA */
  readonly zone: string;
}

export const dayNames: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** `mon-fri`, `Sat,Sun`: names and spans of days, in any case. Undefined for anything else. */
export function daysNamed(text: string): readonly number[] | undefined {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [first = -1, last = first, ...more] = part.split('-').map((name) => dayNames.indexOf(name));
    if (first < 0 || last < 0 || more.length > 0) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === last) break;
    }
  }
  return [...found].toSorted((left, right) => left - right);
}

/** `09:00-18:00` */
export function spanText({ from, to }: Pick<Hours, 'from' | 'to'>): string {
  const time = (minutes: number): string =>
    `${String(Math.trunc(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${time(from)}-${time(to)}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(zone, format);
  return format;
}

/** Over midnight a span belongs to the day on which it begins. Throws for a zone that this platform does not know. */
export function insideHours({ days: wanted, from, to, zone }: Hours, nowMs: number): boolean {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = dayNames.indexOf((parts.get('weekday') ?? '').toLowerCase());
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  if (from < to) return wanted.includes(day) && minute >= from && minute < to;
  return (wanted.includes(day) && minute >= from) || (wanted.includes((day + 6) % 7) && minute < to);
}
