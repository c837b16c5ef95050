// Instants as rule files write them, `2026-01-31T12:00:00Z`, without asking any clock.

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Milliseconds since 1970; NaN for what is not of that form. */
export function utcMilliseconds(text: string): number {
  const [year = Number.NaN, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(text) ?? []
  )
    .slice(1)
    .map(Number);
  const past = year - 1;
  const leaps = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 477;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = (year - 1970) * 365 + leaps + (daysBefore[month - 1] ?? Number.NaN) + (month > 2 && isLeap ? 1 : 0) + day - 1;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}
