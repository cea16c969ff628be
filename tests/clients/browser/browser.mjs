// A Chromium of its own for one script: through PROXY if there is one, with its certificate authority in the browser's store.
import { chromium } from 'playwright-core';

export async function withBrowser(work) {
  const proxy = process.env.PROXY ? { server: process.env.PROXY } : undefined;
  const args = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, chromiumSandbox: false, proxy, args });
  try {
    console.log(JSON.stringify(await work(browser)));
  } finally {
    await browser.close();
  }
}
