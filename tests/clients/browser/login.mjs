// Is sent to the form, signs in, lands on the account, and comes back to it. Argument: the origin's URL.
import { withBrowser } from './browser.mjs';

const [origin] = process.argv.slice(2);
await withBrowser(async browser => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(origin + '/account');
  const asked = { url: page.url(), title: await page.title() };
  await page.fill('[name=user]', 'ada');
  await page.fill('[name=password]', 'secret');
  await page.click('button');
  await page.waitForURL('**/account');
  const signedIn = { url: page.url(), who: await page.textContent('#who') };
  const cookies = (await context.cookies()).map(({ name, value, httpOnly }) => ({ name, value, httpOnly }));
  await page.reload();
  return { asked, signedIn, again: await page.textContent('#who'), cookies: cookies.sort((a, b) => a.name.localeCompare(b.name)) };
});
