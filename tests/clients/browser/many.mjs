// Opens the page of many files and tells its document and how each request ended. Argument: the page's URL.
import { withBrowser } from './browser.mjs';

const [url] = process.argv.slice(2);
await withBrowser(async browser => {
  const page = await browser.newPage();
  const requests = [];
  page.on('requestfinished', async request => {
    requests.push((async () => `${request.method()} ${request.url()} ${(await request.response()).status()}`)());
  });
  page.on('requestfailed', request => requests.push(`${request.method()} ${request.url()} ${request.failure().errorText}`));
  await page.goto(url);
  await page.waitForFunction(() => window.finished);
  const frame = page.frames()[1];
  return { document: await page.content(), frame: await frame.content(), requests: (await Promise.all(requests)).sort() };
});
