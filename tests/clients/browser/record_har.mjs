// Playwright itself records the page of many files. Arguments: the page's URL, the archive, and how: recordHar or update.
import { withBrowser } from './browser.mjs';

const [url, path, how] = process.argv.slice(2);
await withBrowser(async browser => {
  const context = await browser.newContext(how === 'recordHar' ? { recordHar: { path } } : {});
  if (how === 'update') await context.routeFromHAR(path, { update: true });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.finished);
  const document = await page.content();
  await context.close();
  return { document };
});
