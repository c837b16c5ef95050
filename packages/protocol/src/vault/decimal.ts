// Numbers as people mean them, spec/fence.md: decimals of at most 15 digits, compared by their digits. Every reader of floating point has them
// exact to the last digit; whatever is written otherwise is none.

const form = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;
const maxDigits = 15;

/** True for `3000`, `-0.5`, `10.50`; not for `3e3`, `007`, `+1`, `.5`, `-0` or more digits than are exact everywhere. [FENCE-19] */
export function isDecimal(digits: string): boolean {
  if (digits.length > maxDigits + 3) return false;
  const [, sign, whole = '', fraction = ''] = form.exec(digits) ?? [];
  if (whole === '' || whole.length + fraction.length > maxDigits) return false;
  return sign === '' || /[1-9]/.test(whole + fraction);
}

/** Both must be decimals. Both bounds are inside. */
export function isWithin(digits: string, { min, max }: { readonly min: string; readonly max: string }): boolean {
  const value = scaled(digits);
  return value >= scaled(min) && value <= scaled(max);
}

function scaled(digits: string): bigint {
  const [whole = '', fraction = ''] = digits.split('.');
  return BigInt(whole + fraction.padEnd(maxDigits, '0'));
}
