// Random shell scripts that end and harm nothing: every program in them is one of a few names that exist nowhere. What a real shell runs of them
// is what the reader must find.

type Dice = (below: number) => number;

/** A generator of its own, so that a script can be made again. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

const programs = ['aa', 'bb', 'cc', 'dd', 'ee'];
const variables = ['x', 'y', 'z', 'w'];
const texts = ['aa', 'bb', 'one', 'two', '-rf', 'a b', '/', 'cc dd', '', 'aXb', 'mm,nn'];

export class Grammar {
  readonly #random: Dice;

  constructor(random: Dice) {
    this.#random = random;
  }

  script(depth = 3): string {
    const lines = Array.from({ length: 1 + this.#random(4) }, () => this.#statement(depth));
    return lines.join(this.#one(['; ', '\n', '\n']));
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#random(choices.length)] as T;
  }

  #statement(depth: number): string {
    if (depth <= 0) return this.#command(0);
    const inner = () => this.#statement(depth - 1);
    const body = () => `${inner()}\n`;
    const name = this.#one(variables);
    switch (this.#random(34)) {
      case 0:
        return `if ${this.#condition(depth)}; then ${body()}else ${body()}fi`;
      case 1:
        return `for ${name} in ${this.#words(depth, 3)}; do ${body()}done`;
      case 2:
        return `case ${this.#word(depth)} in aa) ${body()};; ${this.#one(['*b*', 'one|two', '??'])}) ${body()};; *) ${body()};; esac`;
      case 3:
        return `( ${body()})`;
      case 4:
        return `{ ${body()}}`;
      case 5:
        return `f() { ${body()}}; f ${this.#words(depth, 2)}`;
      case 6:
        return `${inner()} ${this.#one(['&&', '||'])} ${this.#command(depth - 1)}`;
      case 7:
        return `eval ${this.#single(inner())}`;
      case 8:
        return `bash -c ${this.#single(inner())} ${this.#words(depth, 2)}`;
      case 9:
        return `while read ${name}; do ${body()}done <<< ${this.#word(depth)}`;
      case 10:
        return `set -- ${this.#words(depth, 3)}`;
      case 11:
        return this.#one([
          'shift',
          `unset ${name}`,
          `export ${name}`,
          'IFS=,',
          'unset IFS',
          `local ${name}=aa`,
          'shopt -s extglob',
          'true',
          ':',
        ]);
      case 12:
        return `cat <<E | bash\n${inner().replaceAll(/[\\$`]/g, '\\$&')}\nE\n`;
      case 13:
        return `echo ${this.#single(this.#command(0))} > file; ${this.#one(['. ./file', 'bash file', 'bash < file', 'cat file | bash', 'source ./file'])}`;
      case 14:
        return `read ${name} ${this.#one(variables)} <<< ${this.#word(depth)}`;
      case 15:
        return `${this.#command(depth - 1)} | { ${body()}}`;
      case 16:
        return `${name}=(${this.#words(depth, 3)}); ${this.#one(programs)} "\${${name}[@]}" \${${name}[${String(this.#random(3))}]}`;
      case 17:
        return `printf -v ${name} ${this.#one(['%s', '%s-', 'x%b'])} ${this.#word(depth)}`;
      case 18:
        return `: ${this.#expansion(depth)}`;
      case 19:
        return `(( i = ${this.#arithmetic(depth)} )); ${this.#one(programs)} $i`;
      case 20:
        return `[[ ${this.#word(depth)} ${this.#one(['==', '!=', '<'])} ${this.#word(depth)} ]] ${this.#one(['&&', '||'])} ${this.#command(depth)}`;
      case 21:
        return `trap ${this.#single(inner())} EXIT`;
      case 22:
        return `${this.#one(['env', 'command', 'nice', 'timeout 5', 'nohup', 'exec -a x', 'env A=1'])} ${this.#command(0)}`;
      default:
        return this.#random(3) === 0 ? this.#assignment(depth) : this.#command(depth);
    }
  }

  #condition(depth: number): string {
    return this.#one([
      'true',
      'false',
      `[ ${this.#random(2) === 0 ? '1 = 1' : 'a = b'} ]`,
      this.#command(depth - 1),
      `! ${this.#command(depth - 1)}`,
    ]);
  }

  #assignment(depth: number): string {
    const name = this.#one(variables);
    return `${name}${this.#one(['=', '=', '=', '+='])}${this.#word(depth)}`;
  }

  #command(depth: number): string {
    const prefix = this.#random(12) === 0 ? `${this.#assignment(depth)} ` : '';
    const redirection =
      this.#random(12) === 0
        ? this.#one([' > /dev/null', ' 2>&1', ` < <(${this.#program(0)})`, ` <<< ${this.#word(0)}`, ' 2>/dev/null'])
        : '';
    return `${prefix}${this.#program(depth)} ${this.#words(depth, 3)}${redirection}`;
  }

  #program(depth: number): string {
    const name = this.#one(programs);
    const [first = '', second = ''] = name;
    if (depth > 0 && this.#random(4) === 0) return this.#expansion(depth);
    return this.#one([
      name,
      name,
      name,
      `${first}\\${second}`,
      `'${first}'${second}`,
      `"${name}"`,
      `${first}''${second}`,
      `$'\\x${first.charCodeAt(0).toString(16)}'${second}`,
      `\\\n${name}`,
      `${first}\${none}${second}`,
      `\`echo ${name}\``,
    ]);
  }

  #words(depth: number, most: number): string {
    return Array.from({ length: this.#random(most + 1) }, () => this.#word(depth)).join(' ');
  }

  #word(depth: number): string {
    const pieces = Array.from({ length: 1 + this.#random(2) }, () => this.#piece(depth));
    return pieces.join('');
  }

  #piece(depth: number): string {
    const text = this.#one(texts);
    switch (this.#random(12)) {
      case 0:
        return this.#single(text);
      case 1:
        return `"${text}${depth > 0 ? this.#expansion(depth - 1) : ''}"`;
      case 2:
        return `$'${text}\\n\\x41'`;
      case 3:
        return `{${this.#one(['a,b', 'aa,bb,', '1..3', 'x,{y,z}', 'a'])}}`;
      case 4:
      case 5:
      case 6:
        return depth > 0 ? this.#expansion(depth - 1) : this.#one(['one', 'two']);
      default:
        return this.#one(['one', 'two', 'aa', '-rf', '/', 'a=b', '\\ ', '\\$x', '--', 'x*y']);
    }
  }

  #expansion(depth: number): string {
    const name = this.#one(variables);
    const word = () => (depth > 0 ? this.#piece(depth - 1) : this.#one(['aa', 'b', '']));
    const form = this.#one([
      () => `$${name}`,
      () => `"$${name}"`,
      () => `\${${name}}`,
      () => `\${${name}:-${word()}}`,
      () => `\${${name}:=${word()}}`,
      () => `\${${name}:+${word()}}`,
      () => `\${${name}#${this.#one(['a', '*', 'o'])}}`,
      () => `\${${name}%${this.#one(['a', '*', 'e'])}}`,
      () => `\${${name}:${String(this.#random(3))}:${String(this.#random(3))}}`,
      () => `\${${name}/${this.#one(['a', 'one', ' '])}/${this.#one(['b', '', 'aa'])}}`,
      () => `\${${name}//${this.#one(['a', 'b'])}/${this.#one(['b', ''])}}`,
      () => `\${${name}${this.#one(['^', '^^', ',', ',,'])}}`,
      () => `\${#${name}}`,
      () => `\${!${name}}`,
      () => this.#one(['$1', '$2', '"$@"', '$@', '$*', '"$*"', '$#']),
      () => `$(echo ${word()})`,
      () => `$(printf '%s ' ${word()} ${word()})`,
      () => `\`echo ${this.#one(['aa', 'bb', 'one'])}\``,
      () => `$(${this.#one(programs)} ${this.#one(['one', 'two'])})`,
      () => `$((${this.#arithmetic(depth)}))`,
      () => `$(cat <<< ${word()})`,
      () => `$(echo ${this.#one(['aa', 'bb'])} | ${this.#one(['rev', 'tr a-m n-z', 'cat', 'head -1', 'cut -c1'])})`,
    ]);
    return form();
  }

  #arithmetic(depth: number): string {
    return this.#one([
      '1 + 2',
      '3 * 2',
      'i + 1',
      '10 / 3',
      '7 % 4',
      '2 ** 3',
      '-1',
      '(1 + 2) * 2',
      ...(depth > 0 ? [`$(echo 2) + 1`, `\${#${this.#one(variables)}}`] : []),
    ]);
  }

  #single(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
  }
}
