// vitest.config.mts
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    setupFiles: ['./harmock.mjs'], // which `harmock snippet node-fetch` prints
  },
});
