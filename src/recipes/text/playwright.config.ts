// playwright.config.ts
import { defineConfig } from '@playwright/test';

export default defineConfig({
  use: {
    proxy: { server: process.env.HARMOCK_PROXY_URL ?? '@PROXY@' },
    ignoreHTTPSErrors: true, // the browser need not know the certificate authority
    launchOptions: { executablePath: process.env.CHROMIUM }, // unset: the browser that Playwright has installed
  },
});
