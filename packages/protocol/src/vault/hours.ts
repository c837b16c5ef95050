// Hours of the week in a time zone, spec/fence.md and spec/rules.md: as they are kept, and whether an instant lies within them. The zone's calendar,
// summer time included, is the platform's; the instant is an argument.

/** Minutes after midnight, `to` excluded; where `to` is not after `from`, over midnight. */
export interface Hours {
  /** 0 is Sunday. */
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
  /** IANA */
  readonly zone: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

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
  const day = days.indexOf(parts.get('weekday') ?? '');
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  if (from < to) return wanted.includes(day) && minute >= from && minute < to;
  return (wanted.includes(day) && minute >= from) || (wanted.includes((day + 6) % 7) && minute < to);
}
