// A page whose script asks a base URL, without a proxy. Arguments: the page's URL, then `METHOD URL` of each request.
// Every request carries a field of its own, so that the browser asks for leave first, and cookies.
import { chromium } from 'playwright-core';

const [url, ...requests] = process.argv.slice(2);
const args = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, chromiumSandbox: false, args });
try {
  const page = await browser.newPage();
  await page.goto(url);
  const got = [];
  for (const request of requests) {
    const [method, target] = request.split(' ');
    got.push(await page.evaluate(async ([method, target]) => {
      try {
        const response = await fetch(target, { method, headers: { 'x-token': 't' }, credentials: 'include' });
        return { status: response.status, url: response.url, text: await response.text() };
      } catch (error) {
        return { error: String(error) };
      }
    }, [method, target]));
  }
  const cookies = await page.context().cookies();
  console.log(JSON.stringify({ at: page.url(), got, cookies: cookies.map((cookie) => cookie.name).sort() }));
} finally {
  await browser.close();
}
