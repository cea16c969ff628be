// Asks Playwright what a glob means: {glob, urls} becomes {matches}, or {error} where it throws.
import { answer, localUtils } from './oracle.mjs';

await answer(async ({ glob, urls }) => {
  let regex;
  try {
    ({ regex } = await localUtils._channel.globToRegex({ glob }));
  } catch (e) {
    return { error: e.message };
  }
  const compiled = new RegExp(regex);
  return { regex, matches: urls.map(url => compiled.test(url)) };
});
