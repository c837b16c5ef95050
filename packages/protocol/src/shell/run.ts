// Runs a tree without running anything: lists, pipes, branches, loops and functions, in the order in which a shell would. Every branch is taken.

import type {
  AndOr,
  CommandNode,
  CompoundList,
  Coproc,
  For,
  Function,
  ParsedScript,
  Pipeline,
  PipelineNode,
  Redirection as SourceRedirection,
  Select,
  Statement,
  TestExpression,
  While,
} from 'unbash';

import { Choices } from './choices.ts';
import { hole, literal, type Redirection } from './command.ts';
import { expandArithmetic, arithmeticText, expandText, expandWord, runSubscripts, valueOf } from './expand.ts';
import { deeper, maxDepth, unsure, type Machine, type Place, type Expansion } from './machine.ts';
import { canFail, readRedirection, settle } from './redirect.ts';
import { bounded, Scope } from './scope.ts';
import { runSimple } from './simple.ts';
import { readsCode } from './interpreters.ts';

/** A `for` over a known list of this length is run word by word, so that what it puts together is known. */
const maxUnrolled = 64;

/** `source`: the script's text, unless it stands within another. A failed expansion ends the line that it stands in, not the next. */
export function runScript(script: ParsedScript, place: Place, machine: Machine, source: string | undefined): string {
  if (source === undefined) return runStatements(script.commands, place, machine);
  let output = '';
  let from = 0;
  for (const statement of script.commands) {
    const text = script.source ?? source;
    if (text.slice(from, statement.pos).includes('\n')) machine.failing = false;
    from = statement.end;
    output = bounded(output + runStatements([statement], place, machine));
  }
  machine.failing = false;
  return output;
}

function runStatements(statements: readonly Statement[], place: Place, machine: Machine): string {
  if (place.depth > maxDepth) {
    machine.findings.opaque('too_deep', undefined, '');
    return hole;
  }
  let output = '';
  for (const statement of statements) {
    machine.findings.spend(1);
    const before = place.scope.directories;
    output = bounded(output + runNode(statement.command, statement.background === true ? subshell(place) : place, machine));
    if (place.scope.directories !== before) place.scope.mayBeIn(before);
  }
  return output;
}

const subshell = (place: Place): Place => ({ ...place, scope: new Scope(place.scope), maybe: false });

function runList(list: CompoundList, place: Place, machine: Machine): string {
  return runStatements(list.commands, deeper(place, {}), machine);
}

function runNode(node: PipelineNode | AndOr, place: Place, machine: Machine): string {
  if (node.type === 'AndOr') return runAndOr(node, place, machine);
  if (node.type === 'Pipeline') return runPipeline(node, place, machine);
  return runCommand(node, place, machine);
}

function runAndOr(node: AndOr, place: Place, machine: Machine): string {
  const before = place.scope.directories;
  let output = '';
  for (const [index, command] of node.commands.entries()) {
    if (index > 0 && node.operators[index - 1] === '||') place.scope.mayBeIn(before);
    output = bounded(output + runNode(command, index === 0 ? place : { ...place, maybe: true }, machine));
  }
  return output;
}

/** Each part reads what the part before it wrote; all but the last run in shells of their own. */
function runPipeline(node: Pipeline, place: Place, machine: Machine): string {
  const feeds = feedsOf(node.commands, place);
  let input = place.input;
  let fedBy = place.fedBy;
  for (const [index, command] of node.commands.entries()) {
    const last = index === node.commands.length - 1;
    const inner: Place = {
      ...place,
      scope: last ? place.scope : new Scope(place.scope),
      // In some shells the last part runs in the shell itself.
      maybe: last && (place.maybe || index > 0),
      feeds: feeds[index],
      fedBy,
      input,
    };
    input = runCommand(command, inner, machine);
    fedBy = programOf(command);
  }
  return node.commands.length === 0 ? '' : (input ?? '');
}

/** For each part, the interpreter that reads its output as code, at once or through other parts. */
function feedsOf(commands: readonly CommandNode[], place: Place): readonly (string | undefined)[] {
  const feeds: (string | undefined)[] = [];
  let feeding = place.feeds;
  for (const command of commands.toReversed()) {
    feeds.push(feeding);
    feeding = interpreterIn(command) ?? feeding;
  }
  return feeds.toReversed();
}

/** By its words as they stand: only what `feeds` says hangs on it, not whether code is found. */
function interpreterIn(command: CommandNode): string | undefined {
  if (command.type === 'Redirected') return interpreterIn(command.command);
  if (command.type === 'BraceGroup' || command.type === 'Subshell' || command.type === 'While') {
    for (const statement of command.body.commands) {
      const inner = statement.command;
      const found = inner.type === 'AndOr' || inner.type === 'Pipeline' ? undefined : interpreterIn(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (command.type !== 'Command' || command.name === undefined) return undefined;
  return readsCode([command.name.value, ...command.args.map((word) => (word.type === 'Word' ? word.value : word.text))]);
}

function programOf(command: CommandNode): string | undefined {
  if (command.type === 'Redirected') return programOf(command.command);
  return command.type === 'Command' ? command.name?.value.replace(/^.*\//s, '') : undefined;
}

function runCommand(node: CommandNode, place: Place, machine: Machine): string {
  const { findings } = machine;
  findings.spend(1);
  if (place.depth > maxDepth) {
    findings.opaque('too_deep', undefined, '');
    return hole;
  }
  const maybe: Place = { ...place, maybe: true };
  const read = (reading: (how: Expansion) => void): void =>
    Choices.each(place.choices, (choices) => reading({ machine, place, choices }));
  switch (node.type) {
    case 'Command':
      return runSimple(node, place, machine);
    case 'Redirected':
      return runRedirected(node.redirects, place, machine, (inner) => runCommand(node.command, inner, machine));
    case 'Function':
      return define(node, place, machine);
    case 'Coproc':
      return runCoproc(node, place, machine);
    case 'If': {
      let output = runList(node.clause, place, machine) + runList(node.then, maybe, machine);
      for (const branch of node.elif) output += runList(branch.clause, maybe, machine) + runList(branch.then, maybe, machine);
      return bounded(output + (node.else === undefined ? '' : runList(node.else, maybe, machine)));
    }
    case 'For':
    case 'Select':
      return runFor(node, place, machine);
    case 'ArithmeticFor':
      for (const part of [node.initialize, node.test, node.update]) read((how) => expandArithmetic(part, how));
      return twice(place, (inner) => runList(node.body, inner, machine)) + hole;
    case 'While':
      return runWhile(node, place, machine);
    case 'Subshell':
      return runList(node.body, subshell(place), machine);
    case 'BraceGroup':
      return runList(node.body, place, machine);
    case 'Case': {
      read((how) => expandText(node.word, how));
      let output = '';
      for (const item of node.items) {
        for (const pattern of item.pattern) read((how) => expandText(pattern, how));
        output += runList(item.body, maybe, machine);
      }
      return bounded(output);
    }
    case 'TestCommand':
      read((how) => runTest(node.expression, how));
      return '';
    case 'ArithmeticCommand':
      read((how) => expandArithmetic(node.expression, how));
      return '';
  }
}

function runRedirected(
  redirects: readonly SourceRedirection[],
  place: Place,
  machine: Machine,
  inner: (place: Place) => string,
): string {
  let output = '';
  Choices.each(place.choices, (choices) => {
    const redirections: Redirection[] = redirects.map((redirect) => readRedirection(redirect, { machine, place, choices }));
    // What a group's redirections touch is told by a command without a program.
    if (redirections.some((each) => !each.heredoc)) bare(redirections, place, machine);
    output = bounded(
      output + settle(redirections, { machine, place: canFail(redirections) ? { ...place, maybe: true } : place }, inner),
    );
  });
  return output;
}

function bare(redirections: readonly Redirection[], place: Place, machine: Machine): void {
  machine.invoke({ argv: [], assignments: [], redirections }, place);
}

function define(node: Function, place: Place, machine: Machine): string {
  place.scope.define(node.name.value, node);
  machine.uncalled.set(node, place);
  return '';
}

/** [SHELL-7] Functions that nothing called: they may be exported, or called under a name that is not known. */
export function runUncalled(machine: Machine): void {
  for (const [node, place] of machine.uncalled) {
    const scope = new Scope(place.scope);
    scope.positional = undefined;
    runFunction(node, deeper(place, { scope, maybe: true, input: hole, active: [...place.active, node.name.value] }), machine);
  }
}

export function runFunction(node: Function, place: Place, machine: Machine): string {
  machine.uncalled.delete(node);
  return node.body.type === 'CompoundList' ? runList(node.body, place, machine) : runCommand(node.body, place, machine);
}

function runCoproc(node: Coproc, place: Place, machine: Machine): string {
  const inner = deeper(place, { scope: new Scope(place.scope), input: hole });
  if (node.body.type === 'CompoundList') runList(node.body, inner, machine);
  else runCommand(node.body, inner, machine);
  return '';
}

/** What the first round sets, the second reads. Inside another loop one round is enough: that loop makes two. */
function twice(place: Place, round: (place: Place) => string): string {
  const inner: Place = { ...place, maybe: true, looping: true };
  const output = round(inner);
  return bounded(output + (place.looping ? '' : round(inner)));
}

function runFor(node: For | Select, place: Place, machine: Machine): string {
  const name = node.name.value;
  const values: string[] = [];
  Choices.each(place.choices, (choices) => {
    const how: Expansion = { machine, place, choices };
    const words = node.wordlist?.flatMap((word) => expandWord(word, how)) ?? valueOf('@', how).map(literal);
    values.push(...words.map((word) => (word.glob ? word.text.replaceAll(/[*?]+|\[[^\]]*\]/g, hole) : word.text)));
  });
  // That there is nothing to loop over is not sure enough to leave the body out.
  if (values.length === 0) values.push(hole);
  if (values.length <= maxUnrolled && node.type === 'For' && !place.looping) {
    const before = place.scope.variable(name) ?? [['']];
    let output = '';
    for (const value of values) {
      place.scope.assign(name, [value], machine.failing);
      output = bounded(output + runList(node.body, { ...deeper(place, {}), looping: values.length > 1 }, machine));
    }
    if (place.maybe) for (const value of before) place.scope.assign(name, value, true);
    return output;
  }
  for (const [index, value] of values.slice(0, maxUnrolled).entries())
    place.scope.assign(name, [value], index > 0 || unsure(place, machine));
  if (values.length > maxUnrolled) place.scope.assign(name, [hole], true);
  return bounded(twice(place, (inner) => runList(node.body, inner, machine)) + hole);
}

function runWhile(node: While, place: Place, machine: Machine): string {
  return twice(place, (inner) => runList(node.clause, inner, machine) + runList(node.body, inner, machine));
}

function runTest(expression: TestExpression, how: Expansion): void {
  const open = [expression];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    how.machine.findings.spend(1);
    if (each.type === 'TestUnary') {
      const operand = expandText(each.operand, how).text;
      if (each.operator === '-v' || each.operator === '-R') runSubscripts(operand, how);
    } else if (each.type === 'TestBinary') {
      const operands = [expandText(each.left, how).text, expandText(each.right, how).text];
      if (/^-(eq|ne|lt|le|gt|ge)$/.test(each.operator)) for (const operand of operands) arithmeticText(operand, how);
    } else if (each.type === 'TestLogical') open.push(...each.operands);
    else if (each.type === 'TestNot') open.push(each.operand);
    else open.push(each.expression);
  }
}
