// Opens the page of many files and tells its document and how each request ended. Argument: the page's URL.
import { withBrowser } from './browser.mjs';

const [url] = process.argv.slice(2);
await withBrowser(async browser => {
  const page = await browser.newPage();
  const requests = [];
  // Chromium calls each 204 a failure; its status says more. Redirects of fetch are followed inside the archive in replay,
  // so that their hops are seen in record mode alone.
  const ended = async request => {
    const response = await request.response();
    return `${request.method()} ${request.url()} ${response ? response.status() : request.failure().errorText}`;
  };
  const note = request => {
    if (!request.url().includes('/moved/') && !request.redirectedFrom()) requests.push(ended(request));
  };
  // When it starts: the page may be done before the last end has been told.
  page.on('request', note);
  await page.goto(url);
  await page.waitForFunction(() => window.finished);
  const frame = page.frames()[1];
  return { document: await page.content(), frame: await frame.content(), requests: (await Promise.all(requests)).sort() };
});
