// Playwright itself serves an archive. Arguments: the page's URL and the archive.
import { withBrowser } from './browser.mjs';

const [url, path] = process.argv.slice(2);
await withBrowser(async browser => {
  const context = await browser.newContext();
  await context.routeFromHAR(path, { notFound: 'abort' });
  const page = await context.newPage();
  const failed = [];
  // Chromium calls each 204 a failure.
  page.on('requestfailed', async request => {
    if ((await request.response())?.status() !== 204) failed.push(`${request.method()} ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForFunction(() => window.finished);
  return { document: await page.content(), failed };
});
