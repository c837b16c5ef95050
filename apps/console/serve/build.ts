// Makes the bundle in the folder given, as a process of its own: what it gives depends on the sources and on no environment of
// whoever started it ([CONSOLE-21]), and a server that found its bundle made never loads a builder. serve/bundle.ts runs it.

import { argv, stderr } from 'node:process';
import { stripVTControlCharacters } from 'node:util';
import { build, createLogger } from 'vite';
import config from '../vite.config.ts';

const [, , folder = ''] = argv;
if (folder === '') throw new Error('build.ts FOLDER');

// Standard output belongs to whoever runs us.
const say = (message: string): void => void stderr.write(`${stripVTControlCharacters(message)}\n`);
const logger = { ...createLogger('warn'), warn: say, warnOnce: say, error: () => {} }; // an error is thrown as well

try {
  await build({
    ...config,
    configFile: false,
    envDir: false,
    mode: 'production',
    customLogger: logger,
    build: { ...config.build, outDir: folder, reportCompressedSize: false },
  });
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
