// How sure it is that a condition holds: 0 no, 1 maybe, 2 yes. Where several must hold the weakest counts, where one is enough the strongest.

export type Grade = 0 | 1 | 2;

export const weaker = (left: Grade, right: Grade): Grade => (left < right ? left : right);
export const stronger = (left: Grade, right: Grade): Grade => (left > right ? left : right);
