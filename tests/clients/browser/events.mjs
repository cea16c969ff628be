// A page listens to server-sent events. It goes away after `count` of them, or waits for the stream to be lost.
// Arguments: the site's URL, the path of the stream, the count, and `leave`, `stay` or `lose`.
import { withBrowser } from './browser.mjs';

const [site, path, count, then] = process.argv.slice(2);
await withBrowser(async browser => {
  const page = await browser.newPage();
  await page.goto(site + '/site/plain');
  return page.evaluate(async ([path, count, then]) => {
    const source = new EventSource(path);
    const seen = { events: [], lost: 0 };
    let lost;
    const first = new Promise(resolve => { lost = resolve; });
    source.onerror = () => { seen.lost++; lost(); };
    await new Promise(resolve => {
      source.onmessage = event => {
        seen.events.push([event.lastEventId, event.data]);
        if (seen.events.length === Number(count)) resolve();
      };
    });
    if (then === 'lose') await first;
    // A stream that had ended with its last event would be lost, and asked for again, by now.
    if (then === 'stay') for (let asked = 0; asked < 50; asked++) await (await fetch('/json')).text();
    seen.state = source.readyState;
    source.close();
    return seen;
  }, [path, count, then]);
});
