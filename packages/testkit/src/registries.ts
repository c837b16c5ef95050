// Two small package registries behind TLS, npm's and pip's, each with a package made on the spot.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { startOrigin, type Origin } from './origin.ts';

/** A tar archive of plain files (POSIX ustar). */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const data = Buffer.from(text);
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write('0000644\0', 100);
    head.write('0000000\0', 108);
    head.write('0000000\0', 116);
    head.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    head.write('00000000000\0', 136);
    head.write('        0', 148);
    head.write('ustar\x0000', 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [head, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** An npm registry with one package; with `token`, for its bearer alone. What it says of the package repeats who asked: npm keeps that. */
export function startNpmRegistry(host: string, name: string, token?: string): Promise<Origin> {
  const manifest = { name, version: '1.0.0', main: 'index.js' };
  const tarball = gzipSync(
    tar({ 'package/package.json': JSON.stringify(manifest), 'package/index.js': `module.exports = 'this is ${name}';\n` }),
  );
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return startOrigin(({ url, headers }, _request, response) => {
    const base = `https://${String(headers['host'])}/${name}`;
    if (token !== undefined && headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    } else if (url.replace('%2f', '%2F') === `/${name.replace('/', '%2F')}`) {
      response.setHeader('content-type', 'application/json');
      const versions = { '1.0.0': { ...manifest, dist: { tarball: `${base}/-/package-1.0.0.tgz`, integrity } } };
      const description = `asked for by ${String(headers.authorization)}`;
      response.end(JSON.stringify({ name, description, 'dist-tags': { latest: '1.0.0' }, versions }));
    } else if (url === `/${name}/-/package-1.0.0.tgz`) {
      response.end(tarball);
    } else {
      response.writeHead(404).end();
    }
  }, host);
}

/** A Python package index with one source archive that needs nothing to be built by; with `password`, for `__token__` alone. */
export function startPythonIndex(host: string, name: string, password?: string): Promise<Origin> {
  const backend = [
    'import os, zipfile',
    `WHEEL = '${name}-1.0-py3-none-any.whl'`,
    `INFO = '${name}-1.0.dist-info/'`,
    'def build_wheel(folder, *_):',
    "    with zipfile.ZipFile(os.path.join(folder, WHEEL), 'w') as wheel:",
    `        wheel.writestr('${name}.py', "text = 'this is ${name}'\\n")`,
    `        wheel.writestr(INFO + 'METADATA', 'Metadata-Version: 2.1\\nName: ${name}\\nVersion: 1.0\\n')`,
    "        wheel.writestr(INFO + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')",
    "        wheel.writestr(INFO + 'RECORD', '')",
    '    return WHEEL',
  ].join('\n');
  const archive = gzipSync(
    tar({
      [`${name}-1.0/pyproject.toml`]: "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
      [`${name}-1.0/backend.py`]: `${backend}\n`,
      [`${name}-1.0/PKG-INFO`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    }),
  );
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const wanted = password === undefined ? undefined : `Basic ${Buffer.from(`__token__:${password}`).toString('base64')}`;
  return startOrigin(({ url, headers }, _request, response) => {
    if (wanted !== undefined && headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end();
    } else if (url === `/simple/${name}/`) {
      response.setHeader('content-type', 'text/html');
      response.end(`<!DOCTYPE html><a href="/files/${name}-1.0.tar.gz#sha256=${sha256}">${name}-1.0.tar.gz</a>`);
    } else if (url === `/files/${name}-1.0.tar.gz`) {
      response.end(archive);
    } else {
      response.writeHead(404).end();
    }
  }, host);
}
