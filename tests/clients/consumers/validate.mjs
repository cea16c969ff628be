// Reads .har files as their consumers do and prints, as JSON, what each of them would complain about.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { importRules } from './import_rules.mjs';

const require = createRequire(import.meta.url);
const validator = require('har-validator/lib/promise');
const { liHARToK6Script } = require('har-to-k6');

async function complaintsOf(text) {
  const complaints = [];
  const har = JSON.parse(text);
  try {
    await validator.har(har);
  } catch (error) {
    for (const { dataPath, message } of error.errors) complaints.push(`har-validator: ${dataPath} ${message}`);
  }
  try {
    await liHARToK6Script(har);
  } catch (error) {
    complaints.push(`har-to-k6: ${error.name}: ${error.message}`);
  }
  complaints.push(...importRules(har));
  return complaints;
}

const results = {};
for (const path of process.argv.slice(2)) results[path] = await complaintsOf(readFileSync(path, 'utf8'));
console.log(JSON.stringify(results));
