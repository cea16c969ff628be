// What the oracle scripts share: Playwright's own implementation behind JSON lines, one answer for each question.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const playwright = createRequire(import.meta.url)('playwright-core');
export const localUtils = playwright._connection.localUtils();

export async function answer(ask) {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = JSON.stringify(await ask(JSON.parse(line))) + '\n';
    if (!process.stdout.write(reply)) await new Promise(written => process.stdout.once('drain', written));
  }
  process.exit(0);
}
