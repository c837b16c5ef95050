// What arithmetic is worth, where it is made of numbers and of variables that are known.

import type { ArithmeticExpression } from 'unbash';

import { hole } from './command.ts';
import { unsure, type Expansion } from './machine.ts';

export function constant(expression: ArithmeticExpression, how: Expansion, depth: number): string {
  const number = (inner: ArithmeticExpression) => Number(constant(inner, how, depth + 1));
  if (depth > 16) return hole;
  let value = Number.NaN;
  if (expression.type === 'ArithmeticGroup') return constant(expression.expression, how, depth + 1);
  if (expression.type === 'ArithmeticWord') {
    const text = expression.value.trim();
    if (/^[A-Za-z_]\w*$/.test(text)) {
      const values = how.place.scope.variable(text);
      const chosen = values === undefined ? hole : (how.choices.choose(text, values)[0] ?? '0');
      return /^-?\d+$/.test(chosen) ? chosen : hole;
    }
    const based = /^(\d+)#([0-9a-zA-Z]+)$/.exec(text);
    value =
      based === null
        ? /^0\d+$/.test(text)
          ? Number.parseInt(text, 8)
          : Number(text === '' ? Number.NaN : text)
        : Number.parseInt(based[2] ?? '', Number(based[1]));
  } else if (
    expression.type === 'ArithmeticUnary' &&
    expression.prefix &&
    (expression.operator === '-' || expression.operator === '+')
  )
    value = (expression.operator === '-' ? -1 : 1) * number(expression.operand);
  else if (expression.type === 'ArithmeticBinary') {
    const left = number(expression.left);
    const right = number(expression.right);
    if (expression.operator === '=') value = right;
    else if (expression.operator === '+') value = left + right;
    else if (expression.operator === '-') value = left - right;
    else if (expression.operator === '*') value = left * right;
    else if (expression.operator === '/') value = Math.trunc(left / right);
    else if (expression.operator === '%') value = left % right;
    else if (expression.operator === '**') value = left ** right;
    else if (expression.operator === '<<') value = left * 2 ** right;
    else if (expression.operator === '^') value = left ^ right;
    else if (expression.operator === '|') value = left | right;
    else if (expression.operator === '&') value = left & right;
  }
  return Number.isSafeInteger(value) ? String(value) : hole;
}

/** `x = 5`, `x += 5`, `x++`. */
export function assignArithmetic(expression: ArithmeticExpression, value: string, how: Expansion): void {
  const target =
    expression.type === 'ArithmeticBinary' && /^[^=!<>]*=$/.test(expression.operator)
      ? expression.left
      : expression.type === 'ArithmeticUnary' && /^(?:\+\+|--)$/.test(expression.operator)
        ? expression.operand
        : undefined;
  if (target?.type === 'ArithmeticWord' && /^[A-Za-z_]\w*$/.test(target.value))
    how.place.scope.assign(target.value, [value], unsure(how.place, how.machine));
}
