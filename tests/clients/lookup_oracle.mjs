// Asks Playwright which entry answers: {file, requests} becomes {answers}, one for each request.
import { answer, localUtils } from './oracle.mjs';

await answer(async ({ file, requests }) => {
  const { harId, error } = await localUtils.harOpen({ file });
  if (error) return { error };
  const answers = [];
  for (const { url, method, headers, payload, navigation } of requests) {
    const postData = payload === null ? undefined : Buffer.from(payload, 'base64');
    const { action, body, redirectURL, message } = await localUtils.harLookup({
      harId, url, method, headers, postData, isNavigationRequest: navigation,
    });
    answers.push({ action, body: body?.toString(), redirectURL, message });
  }
  await localUtils.harClose({ harId });
  return { answers };
});
