// The packs in a source as it is typed: switched on and off without touching anything else in it.

/** Those that a source names; none of a text that says it in another way than this writes it. */
export function packsIn(source: string): readonly string[] {
  const inLine = /^packs: *\[([^\]\n]*)\] *$/m.exec(source)?.[1];
  const one = /^packs: *([a-z0-9-]+) *$/m.exec(source)?.[1];
  const list = /^packs: *\n((?: +- *[a-z0-9-]+ *\n?)+)/m.exec(source)?.[1];
  const words = inLine?.split(',') ?? (one === undefined ? list?.split('\n') : [one]) ?? [];
  return words.map((word) => word.replace(/^ *- */, '').trim()).filter((word) => word !== '');
}

/** The same source with a pack on or off. What it leaves out of a pack goes with it. */
export function withPack(source: string, pack: string, isOn: boolean): string {
  const before = packsIn(source);
  const names = isOn ? [...new Set([...before, pack])] : before.filter((name) => name !== pack);
  const rest = source
    .replace(/^packs: *(?:\[[^\]\n]*\]|[a-z0-9-]+) *\n?/m, '')
    .replace(/^packs: *\n(?: +- *[a-z0-9-]+ *\n?)+/m, '')
    .replace(isOn ? /(?!)/ : new RegExp(`^ +- *${pack}/[a-z0-9-]+ *\\n`, 'gm'), '')
    .replace(/^without: *\n(?! )/m, '')
    .replace(/^\n+/, '');
  const line = names.length === 0 ? '' : `packs: [${names.join(', ')}]\n`;
  if (line === '') return rest === '' ? 'rules: {}\n' : rest;
  return rest === '' ? line : `${line}${rest.startsWith('without:') ? '' : '\n'}${rest}`;
}
