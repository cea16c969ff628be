import { expect, test } from '@playwright/test';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
  await expect(page.locator('body')).toHaveAttribute('data-ready', 'true');
});

test('the notes are listed', async ({ page }) => {
  await expect(page.locator('li')).toContainText(['Water the plants', 'Call Ada']);
});

test('a note can be added', async ({ page }) => {
  await page.getByLabel('New note').fill('Buy tea');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.locator('li').last()).toHaveText('Buy tea');
});
