// The app's own server: the files of web/, which need no build, and where its API is.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
const api = process.env.API_URL ?? 'http://127.0.0.1:4100';

createServer(async (request, response) => {
  const path = request.url === '/' ? '/index.html' : request.url;
  if (path === '/config.js') {
    response.writeHead(200, { 'content-type': types['.js'] });
    return response.end(`export const api = ${JSON.stringify(api)};\n`);
  }
  const name = /^\/([a-z]+\.(html|js|css))$/.exec(path)?.[1];
  const file = name && (await readFile(new URL(`web/${name}`, import.meta.url)).catch(() => undefined));
  response.writeHead(file ? 200 : 404, { 'content-type': types[extname(path)] ?? 'text/plain' });
  response.end(file ?? 'no such file');
}).listen(Number(process.env.WEB_PORT ?? 4101), '127.0.0.1');
