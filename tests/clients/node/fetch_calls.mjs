// fetch of undici through a proxy, over HTTP/1.1 or HTTP/2. Arguments: the origin's URL, and 1 or 2.
import { ProxyAgent, fetch, FormData } from 'undici';

const [origin, version] = process.argv.slice(2);
const framing = new Set(['connection', 'content-encoding', 'content-length', 'keep-alive', 'transfer-encoding']);
const h2 = version === '2';
const dispatcher = new ProxyAgent({ uri: process.env.PROXY, allowH2: h2, requestTls: { allowH2: h2 } });

async function shown(path, init = {}) {
  const response = await fetch(origin + path, { dispatcher, ...init });
  const headers = [...response.headers].filter(([name]) => !framing.has(name)).sort();
  const body = Buffer.from(await response.arrayBuffer()).toString('base64');
  return [response.status, headers, body, response.headers.getSetCookie()];
}

const form = new FormData();
form.append('title', 'cat');
form.append('file', new Blob(['\u0000binary']), 'cat.bin');

const answers = [
  await shown('/json'),
  await shown('/coded/gzip'),
  await shown('/coded/br'),
  await shown('/cookies'),
  await shown('/repeated'),
  await shown('/site/note', { method: 'POST', body: JSON.stringify({ from: 'fetch' }), headers: { 'content-type': 'application/json' } }),
  await shown('/site/note', { method: 'POST', body: new URLSearchParams({ a: 'ä', b: '2' }) }),
  await shown('/length', { method: 'POST', body: form }),
  await shown('/site/note', { method: 'PUT', body: 'put' }),
  await shown('/status/204', { method: 'DELETE' }),
  await shown('/hop/2'),
  await shown('/status/404'),
  await shown('/bytes/100000'),
  ...(await Promise.all(Array.from({ length: 20 }, (_, n) => shown('/site/data/' + n)))),
];
console.log(JSON.stringify(answers));
await dispatcher.close();
