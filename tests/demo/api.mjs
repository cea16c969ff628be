// The API of the app: notes in memory, and the tags that are in use. Prints its URL once it listens.
import { createServer } from 'node:http';

const notes = [
  { id: 1, text: 'Water the plants', tag: 'home' },
  { id: 2, text: 'Call Ada', tag: 'work' },
];

const answers = {
  'GET /api/notes': () => notes,
  'GET /api/tags': url => [...new Set(notes.map(note => note.tag))].slice(0, Number(url.searchParams.get('limit'))),
  'POST /api/notes': (_, body) => {
    const note = { id: notes.length + 1, ...JSON.parse(body) };
    notes.push(note);
    return note;
  },
};

const server = createServer(async (request, response) => {
  const fields = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type' };
  if (request.method === 'OPTIONS') return response.writeHead(204, fields).end();
  const url = new URL(request.url, 'http://api');
  const body = (await request.toArray()).join('');
  const answer = answers[`${request.method} ${url.pathname}`];
  response.writeHead(answer ? 200 : 404, { ...fields, 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ? answer(url, body) : { error: 'no such thing' }));
});
server.listen(Number(process.env.API_PORT ?? 4100), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
