// Words as the shell would expand them: quotes, variables, substitutions, arithmetic, braces, splitting. What is not known becomes a hole.

import type { ArithmeticExpression, HereDocBody, ParameterExpansionPart, ParsedScript, Word as Source, WordPart } from 'unbash';
import { forEachChild, type SyntaxNode } from 'unbash';

import { expandBraces } from './braces.ts';
import { assignArithmetic, constant } from './arithmetic.ts';
import { hole, type Word } from './command.ts';
import { deeper, unsure, type Expansion } from './machine.ts';
import { changeCase, remove, replace, slice, transform } from './parameter.ts';
import { bounded, Scope, type Elements } from './scope.ts';
import { fields, joined, type Piece } from './pieces.ts';
import { parseWords, reportErrors } from './syntax.ts';

/** All words that one word of the text becomes. */
export function expandWord(source: Source, how: Expansion): readonly Word[] {
  const parts = partsOf(source, how);
  if (parts?.some((part) => part.type === 'BraceExpansion') === true) {
    const raw = expandBraces(source.text);
    if (raw === undefined) return [{ text: hole, dynamic: true, glob: true }];
    if (raw.length !== 1 || raw[0] !== source.text)
      return raw.flatMap((text) => {
        const words = parseWords(text, how.machine.findings);
        if (words === undefined) return [{ text: hole, dynamic: true, glob: true }];
        return words.flatMap((word) => fields(piecesOf(word, how), how));
      });
  }
  return fields(piecesOf(source, how), how);
}

/** Without splitting: values of assignments, targets of redirections, subjects of `case`. */
export function expandText(source: Source | undefined, how: Expansion): Word {
  if (source === undefined) return { text: '', dynamic: false, glob: false };
  return joined(piecesOf(source, how));
}

export function expandHeredoc(body: HereDocBody, quoted: boolean, how: Expansion): string {
  how.machine.findings.spend(body.text.length);
  if (quoted) return body.text;
  if (body.parts === undefined)
    return body.text.replaceAll(/\\([\\$`]|\n)/g, (_, escaped: string) => (escaped === '\n' ? '' : escaped));
  return joined(body.parts.flatMap((part) => partPieces(part, true, how))).text;
}

/** Runs what an expression substitutes; its value is of interest only where it is a plain number. */
export function expandArithmetic(expression: ArithmeticExpression | undefined, how: Expansion): string {
  if (expression === undefined) return '0';
  const open: SyntaxNode[] = [expression];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    how.machine.findings.spend(1);
    if (node.type === 'ArithmeticCommandExpansion' || node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution')
      substitute(node.script, node.text, how);
    else if (node.type === 'ParameterExpansion') parameterPieces(node, true, how);
    else if (node.type === 'ArithmeticWord') {
      how.machine.findings.spend(node.value.length);
      if (node.parts === undefined) arithmeticText(node.value, how);
      forEachChild(node, (child) => open.push(child));
    } else forEachChild(node, (child) => open.push(child));
  }
  const value = constant(expression, how, 0);
  if (value === hole) how.machine.failing = true; // it may divide by zero, and end the line
  assignArithmetic(expression, value, how);
  return value;
}

/** [SHELL-8] Runs what a text that is taken as arithmetic would run: subscripts in it, and in the variables that it names. */
export function arithmeticText(text: string, how: Expansion, depth = 0): void {
  runSubscripts(text, how);
  if (depth > 3 || text.length > 1024) return;
  for (const [name] of text.matchAll(/[A-Za-z_]\w*/g))
    for (const [value] of how.place.scope.variable(name) ?? [])
      if (value !== undefined && /[[A-Za-z]/.test(value) && value !== text) arithmeticText(value, how, depth + 1);
}

/** Runs what a text that is taken as a variable's name would run. */
export function runSubscripts(text: string, how: Expansion): void {
  if (text.includes('[') && /[$`]/.test(text)) runSubstitutions(text, how);
}

/** What a text runs that the shell expands as if it stood in double quotes. */
export function runSubstitutions(text: string, how: Expansion): void {
  const words = parseWords(`"${text.replaceAll(/["\\]/g, '\\$&')}"`, how.machine.findings);
  if (words === undefined) how.machine.findings.opaque('syntax', undefined, text);
  else for (const word of words) expandText(word, { ...how, place: deeper(how.place, {}) });
}

function partsOf(source: Source, how: Expansion): readonly WordPart[] | undefined {
  how.machine.findings.spend(source.text.length + 1);
  return source.parts;
}

function piecesOf(source: Source, how: Expansion): Piece[] {
  const parts = partsOf(source, how);
  if (parts === undefined) return [{ text: source.value, quoted: false }];
  return parts.flatMap((part) => partPieces(part, false, how));
}

function partPieces(part: WordPart, quoted: boolean, how: Expansion): Piece[] {
  switch (part.type) {
    case 'Literal':
      return [{ text: part.value, quoted }];
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return [{ text: part.value, quoted: true }];
    case 'DoubleQuoted':
    case 'LocaleString':
      how.machine.findings.spend(part.text.length);
      return quotedPieces(part.parts, how);
    case 'SimpleExpansion':
      return namePieces(part.text.slice(1), quoted, how);
    case 'ParameterExpansion':
      return parameterPieces(part, quoted, how);
    case 'CommandExpansion': {
      const output = substitute(part.script, part.text, how).replace(/\n+$/, '');
      return [{ text: output, quoted, split: true }];
    }
    case 'ProcessSubstitution': {
      const path = how.machine.pipeName();
      const output = substitute(part.script, part.text, how, part.operator === '>');
      how.place.scope.written.write(path, output, false, false);
      return [{ text: path, quoted: true }];
    }
    case 'ArithmeticExpansion':
      how.machine.findings.spend(part.text.length);
      return [{ text: expandArithmetic(part.expression, how), quoted, split: true }];
    case 'Glob': {
      if (part.kind !== 'bracket') return [{ text: part.value, quoted: false, glob: true }];
      for (const inner of part.parts) partPieces(inner, true, how);
      const single = /^\[([A-Za-z0-9._-])\]$/.exec(part.text)?.[1];
      return [single === undefined ? { text: part.value, quoted: false, glob: true } : { text: single, quoted: false }];
    }
    case 'ExtendedGlob': {
      how.machine.findings.spend(part.text.length);
      for (const inner of part.parts ?? []) partPieces(inner, true, how);
      // In zsh, `*(e:…:)` runs what it holds.
      if (/^.\([^)]*[e+]/.test(part.text) && /^[*?]/.test(part.text))
        how.machine.findings.opaque('dynamic_script', undefined, part.text);
      return [{ text: part.text, quoted: false, glob: true }];
    }
    case 'BraceExpansion': {
      how.machine.findings.spend(part.text.length);
      const inner = part.parts;
      return [
        {
          text: inner === undefined ? part.text : joined(inner.flatMap((each) => partPieces(each, false, how))).text,
          quoted: false,
          glob: true,
        },
      ];
    }
  }
}

/** `"$@"` without positional parameters is no word at all, `"$x"` is one even if it is empty. */
function quotedPieces(parts: readonly WordPart[], how: Expansion): Piece[] {
  const pieces = parts.flatMap((child) => partPieces(child, true, how));
  const [only] = parts;
  const list = parts.length === 1 && only !== undefined && 'text' in only && /^\$(?:@|\{@\}|\{\w+\[@\]\})$/.test(only.text);
  return list && pieces.length === 0 ? [] : [{ text: '', quoted: true }, ...pieces];
}

function substitute(script: ParsedScript | undefined, text: string, how: Expansion, writes = false): string {
  const { machine, place } = how;
  machine.findings.spend(text.length);
  if (script === undefined) {
    machine.findings.opaque('syntax', undefined, text);
    return hole;
  }
  reportErrors(script, text, machine.findings);
  const scope = text.startsWith('${') ? place.scope : new Scope(place.scope);
  const maybe = scope === place.scope && place.maybe;
  const output = machine.run(script, deeper(place, { scope, maybe, choices: how.choices, ...(writes && { input: hole }) }));
  return bounded(output);
}

/** `$x`, `$1`, `$@`, `$?`. */
function namePieces(name: string, quoted: boolean, how: Expansion): Piece[] {
  return elementPieces(valueOf(name, how), name === '@' || name === '*' ? name : undefined, quoted, how);
}

/** `"$@"` keeps its elements apart, `"$*"` joins them by the first separator; without quotes both are split. */
function elementPieces(elements: Elements, list: '@' | '*' | undefined, quoted: boolean, how: Expansion): Piece[] {
  if (list === undefined || elements.length <= 1)
    return elements.length === 0 && list !== undefined ? [] : [{ text: elements[0] ?? '', quoted, split: true }];
  if (list === '*' && quoted) {
    const separator = how.choices.choose('IFS', how.place.scope.variable('IFS') ?? [[' ']])[0] ?? ' ';
    return [{ text: elements.join(separator.slice(0, 1)), quoted }];
  }
  return elements.map((text, index) => ({ text, quoted, split: true, ...(index > 0 && { next: true }) }));
}

/** [hole] when unknown. */
export function valueOf(name: string, how: Expansion): Elements {
  const { scope } = how.place;
  if (/^[\d@*#]/.test(name)) {
    if (scope.positional === undefined) return [hole];
    const positional = how.choices.choose('@', scope.positional);
    if (name === '@' || name === '*') return positional.slice(1);
    return [
      name === '#'
        ? positional.slice(1).some(elastic)
          ? hole
          : String(Math.max(0, positional.length - 1))
        : elementAt(positional, Number(name)),
    ];
  }
  if (!/^[A-Za-z_]/.test(name)) return [hole];
  const values = scope.variable(name);
  if (values !== undefined) return how.choices.choose(name, values);
  return how.program === true ? how.choices.choose(name, [[hole], ['']]) : [hole];
}

/** A hole may be several elements, or none: what stands behind it may stand elsewhere. */
const elastic = (text: string): boolean => text.includes(hole);
const elementAt = (elements: Elements, at: number): string => (elements.slice(1, at).some(elastic) ? hole : (elements[at] ?? ''));

function parameterPieces(part: ParameterExpansionPart, quoted: boolean, how: Expansion): Piece[] {
  how.machine.findings.spend(part.text.length);
  const index = part.index === undefined ? undefined : expandText(part.index, how).text;
  if (index !== undefined && index !== '@' && index !== '*') arithmeticText(index, how);
  const list = [part.parameter, index].find((each) => each === '@' || each === '*');
  if (
    part.prefix === '!' ||
    /[?]$|^Unknown$/.test(part.operation?.type === 'Default' ? part.operation.operator : (part.operation?.type ?? ''))
  )
    how.machine.failing = true;
  const operation = part.operation;
  if (part.prefix === '!') {
    if (operation?.type === 'Names' || index === '@' || index === '*') return [{ text: hole, quoted, split: true }];
    const target = valueOf(part.parameter, how)[0] ?? '';
    const known = /^[A-Za-z_]\w*$/.test(target) && how.place.scope.variable(target) !== undefined;
    return elementPieces(known ? valueOf(target, how) : [hole], undefined, quoted, how);
  }
  let elements = valueOf(part.parameter, how);
  const unset = /^[A-Za-z_]/.test(part.parameter) && how.place.scope.variable(part.parameter) === undefined;
  if (part.parameter === 'HOME' || part.parameter === 'PWD') elements = operation === undefined ? elements : [`/${hole}`];
  if (index !== undefined && index !== '@' && index !== '*') {
    const at = /^-?\d+$/.test(index) ? Number(index) : Number.NaN;
    const behind = elements.slice(0, Math.max(0, at)).some(elastic) || at < 0;
    const element = Number.isNaN(at) || behind ? undefined : elements[at];
    // Keys are not kept: any of the values.
    elements =
      unset || behind
        ? [hole]
        : element === undefined
          ? how.choices.choose(
              `${part.parameter}[]`,
              ['', ...elements].map((each) => [each]),
            )
          : [element];
  } else if (index === undefined && /^[A-Za-z_]/.test(part.parameter)) elements = [elements[0] ?? ''];
  if (part.prefix === '#') {
    const whole = elements.join(' ');
    const size = list === undefined ? [...whole].length : elements.length;
    return [{ text: whole.includes(hole) ? hole : String(size), quoted, split: true }];
  }
  if (operation === undefined) return elementPieces(elements, list, quoted, how);
  if (operation.type === 'Default') {
    const operand = () => {
      const pieces = operandPieces(operation.operand, how);
      return quoted ? [{ text: joined(pieces).text, quoted }] : pieces.map((piece) => ({ ...piece, split: !piece.quoted }));
    };
    const other = operand(); // its substitutions may run, whichever is taken
    const value = elements.join(' ');
    const asIs = () => elementPieces(elements, list, quoted, how);
    const either = (): Piece[] =>
      how.choices.choose(`${part.parameter} ${operation.operator}`, [['value'], ['other']])[0] === 'value' ? asIs() : other;
    const operator = operation.operator;
    if (operator.endsWith('?')) return asIs();
    // An empty value may stand for none.
    const doubtful = !unset && (value.includes(hole) || (value === '' && !operator.startsWith(':')));
    const isSet = !unset && value !== '';
    // What the text never sets is taken to be unset, as its author does.
    if (operator.endsWith('+')) return doubtful || unset ? (either() === other ? other : []) : isSet ? other : [];
    if (!operator.endsWith('=') || (isSet && !doubtful)) return doubtful ? either() : isSet ? asIs() : other;
    const { text } = joined(other);
    const target = index === undefined ? part.parameter : `${part.parameter}[${index}]`;
    how.place.scope.assignTo(target, [text], doubtful || unsure(how.place, how.machine));
    // What was assigned is split, whatever was quoted.
    return doubtful ? either() : [{ text, quoted, split: true }];
  }
  if (operation.type === 'Slice' && list !== undefined) return slicedPieces(part, operation, elements, list, quoted, how);
  const changed = elements.map((value) => changedBy(operation, value, how));
  return elementPieces(changed, list, quoted, how);
}

/** `${@:2}`, `${a[@]:1:2}`; the first of `$@` is `$0` here. */
function slicedPieces(
  part: ParameterExpansionPart,
  { offset, length }: Extract<Operation, { type: 'Slice' }>,
  elements: Elements,
  list: '@' | '*',
  quoted: boolean,
  how: Expansion,
): Piece[] {
  const all = part.index === undefined ? [valueOf('0', how)[0] ?? hole, ...elements] : elements;
  const [from, count] = [integer(offset, how), length === undefined ? all.length : integer(length, how)];
  if (Number.isNaN(from) || Number.isNaN(count) || count < 0) how.machine.failing = true;
  const start = from < 0 ? all.length + from : from;
  const known = start >= 0 && count >= 0 && !all.slice(from < 0 ? 0 : 1, from < 0 ? undefined : start + count).some(elastic);
  // What is not known may be several elements, or none.
  if (!known) return [{ text: hole, quoted, split: true }];
  return elementPieces(all.slice(start, start + count), list, quoted, how);
}

type Operation = NonNullable<ParameterExpansionPart['operation']>;

function integer(source: Source | undefined, how: Expansion): number {
  const text = expandText(source, how).text.trim();
  if (/^\s*-?\d+\s*$/.test(text)) return Number(text);
  arithmeticText(text, how);
  const [word] = parseWords(`$((${text}))`, how.machine.findings) ?? [];
  const part = word?.parts?.[0];
  return part?.type === 'ArithmeticExpansion' && part.expression !== undefined
    ? Number(constant(part.expression, how, 0))
    : Number.NaN;
}

/** In an operand a backslash keeps a space from splitting. */
function operandPieces(operand: Source, how: Expansion): Piece[] {
  if (operand.parts !== undefined || !operand.text.includes('\\')) return piecesOf(operand, how);
  return (operand.text.match(/\\[^]|[^\\]+/g) ?? []).map((piece) =>
    piece.startsWith('\\') ? { text: piece.slice(1), quoted: true } : { text: piece, quoted: false },
  );
}

function changedBy(operation: Operation, value: string, how: Expansion): string {
  how.machine.findings.spend(value.length);
  const text = (source: Source | undefined) => expandText(source, how).text;
  switch (operation.type) {
    case 'Slice': {
      const offset = integer(operation.offset, how);
      const length = operation.length === undefined ? undefined : integer(operation.length, how);
      if (Number.isNaN(offset) || Number.isNaN(length ?? 0) || (length ?? 0) < 0) how.machine.failing = true;
      if (Number.isNaN(offset) || Number.isNaN(length ?? 0)) return hole;
      return slice(value, offset, length) ?? hole;
    }
    case 'Remove':
      return remove(value, operation.operator, text(operation.operand)) ?? hole;
    case 'Replace':
      return bounded(replace(value, operation.operator, text(operation.pattern), text(operation.replacement)) ?? hole);
    case 'CaseModification':
      return operation.operand === undefined ? changeCase(value, operation.operator) : (text(operation.operand), hole);
    case 'Transform':
      return transformed(value, text(operation.operand), how);
    case 'Default':
    case 'Names':
    case 'Unknown':
      return hole;
  }
}

/** `${x@P}` expands the value as a prompt, and runs what it substitutes. */
function transformed(value: string, operator: string, how: Expansion): string {
  if (operator === 'P' && /[$`]/.test(value)) runSubstitutions(value, how);
  return (operator === 'P' && !/[$`\\]/.test(value) ? value : transform(value, operator)) ?? hole;
}
