// playwright.config.ts
import { defineConfig } from '@playwright/test';

const web = `http://127.0.0.1:${process.env.WEB_PORT ?? 4101}`;

export default defineConfig({
  testDir: 'tests',
  use: {
    baseURL: web,
    proxy: { server: process.env.HARMOCK_PROXY_URL ?? 'http://127.0.0.1:8899' },
    ignoreHTTPSErrors: true, // the browser need not know the certificate authority
    launchOptions: { executablePath: process.env.CHROMIUM }, // unset: the browser that Playwright has installed
  },
  webServer: { command: 'node web.mjs', url: web },
});
