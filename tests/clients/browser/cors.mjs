// A page of one origin calls another with credentials and a field that needs a preflight. Arguments: both origins' URLs.
import { withBrowser } from './browser.mjs';

const [site, api] = process.argv.slice(2);
await withBrowser(async browser => {
  const page = await browser.newPage();
  await page.goto(site + '/site/plain');
  return page.evaluate(async api => {
    const call = async init => {
      const response = await fetch(api + '/cors', { credentials: 'include', ...init });
      return [response.status, await response.text()];
    };
    return [
      await call({}),
      await call({ headers: { 'x-token': 'abc' } }),
      await call({ method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }),
    ];
  }, api);
});
