// Answers from a HAR by one callback and a map, the fastest way that mockttp has: node mockttp.mjs HAR
import { readFileSync } from 'node:fs';
import * as mockttp from 'mockttp';

const answers = new Map();
for (const { request, response } of JSON.parse(readFileSync(process.argv[2], 'utf8')).log.entries) {
  const headers = Object.fromEntries(response.headers.map(({ name, value }) => [name, value]));
  answers.set(`${request.method} ${request.url}`, { statusCode: response.status, headers, body: response.content.text });
}
const server = mockttp.getLocal({ https: await mockttp.generateCACertificate() });
await server.start();
await server.forAnyRequest().thenCallback(({ method, url }) => answers.get(`${method} ${url}`) ?? { statusCode: 502 });
console.log(`http://127.0.0.1:${server.port}`);
