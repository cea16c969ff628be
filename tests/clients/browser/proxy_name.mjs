// Opens a page as a named client of the proxy. Arguments: the page's URL, the name.
import { chromium } from 'playwright-core';

const [url, username] = process.argv.slice(2);
const proxy = { server: process.env.PROXY, username, password: 'x' };
const args = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, chromiumSandbox: false, proxy, args });
try {
  const page = await browser.newPage();
  const response = await page.goto(url);
  console.log(JSON.stringify({ status: response.status(), text: await page.textContent('body') }));
} finally {
  await browser.close();
}
