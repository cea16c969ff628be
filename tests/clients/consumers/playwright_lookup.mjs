// Opens an archive with Playwright's own reader and looks requests up in it: what routeFromHAR would answer.
//
// Arguments: the archive, and a JSON file with [{url, method, headers, postData (base64), isNavigationRequest}].
// Prints the results as JSON; bodies as base64.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [file, requests] = process.argv.slice(2);
const localUtils = require('playwright-core')._connection.localUtils();
const { harId, error } = await localUtils.harOpen({ file });
if (error) throw new Error(error);
const results = [];
for (const request of JSON.parse(readFileSync(requests, 'utf8'))) {
  const postData = request.postData === undefined ? undefined : Buffer.from(request.postData, 'base64');
  const result = await localUtils.harLookup({ harId, headers: [], isNavigationRequest: false, ...request, postData });
  results.push({ ...result, body: result.body && Buffer.from(result.body).toString('base64') });
}
await localUtils.harClose({ harId });
console.log(JSON.stringify(results));
process.exit(0);
