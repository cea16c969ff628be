// What the importers that cannot run here insist on, as rules: Chrome DevTools, Firefox, Safari, HTTP Toolkit, Proxyman.

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);
const isNumber = value => typeof value === 'number' && Number.isFinite(value);

/** The complaints of all importers about a parsed HAR. */
export function importRules(har) {
  const complaints = [];
  const insist = (who, holds, what) => holds || complaints.push(`${who}: ${what}`);
  const log = har.log;
  insist('Chrome', isObject(log) && isObject(log.creator) && Array.isArray(log.entries), 'log, creator, entries');
  insist('Firefox', Array.isArray(log?.pages), 'log.pages is not a list');
  insist('HAR 1.2', log.version === '1.2', 'log.version');
  log.entries.forEach((entry, at) => checkEntry(entry, (who, holds, what) => insist(who, holds, `entry ${at}: ${what}`)));
  findNulls(har, '', path => complaints.push(`HTTP Toolkit: ${path} is null`));
  return complaints;
}

function checkEntry(entry, insist) {
  const { request, response, timings } = entry;
  insist('Chrome', !Number.isNaN(Date.parse(entry.startedDateTime)), 'startedDateTime');
  insist('Chrome', isNumber(entry.time) && entry.time >= 0, 'time');
  insist('Chrome', [request, response, timings, response?.content].every(isObject), 'request, response, timings, content');
  for (const phase of ['send', 'wait', 'receive']) {
    insist('Chrome', isNumber(timings[phase]) && timings[phase] >= 0, `timings.${phase}`);
  }
  const { blocked = -1, dns = -1, connect = -1, send, wait, receive } = timings;
  const sum = [blocked, dns, connect, send, wait, receive].filter(phase => phase > 0).reduce((a, b) => a + b, 0);
  insist('HAR 1.2', Math.abs(sum - entry.time) < 0.01, `time is ${entry.time}, its phases are ${sum}`);
  for (const [side, message] of Object.entries({ request, response })) {
    for (const size of ['headersSize', 'bodySize']) insist('Chrome', Number.isInteger(message[size]), `${side}.${size}`);
    insist('HTTP Toolkit', /^(HTTP\/)?[\d.]+$/i.test(message.httpVersion), `${side}.httpVersion ${message.httpVersion}`);
    insist('Firefox', Array.isArray(message.headers) && Array.isArray(message.cookies), `${side}.headers, cookies`);
    insist('Proxyman', message.headers.every(pair => typeof pair.name === 'string' && typeof pair.value === 'string'), side);
    for (const { expires } of message.cookies) {
      insist('Chrome', expires === undefined || !Number.isNaN(Date.parse(expires)), `${side} cookie expires ${expires}`);
    }
  }
  insist('Chrome', Number.isInteger(response.status) && Number.isInteger(response.content.size), 'status, content.size');
  insist('Chrome', [undefined, 'base64'].includes(response.content.encoding), 'content.encoding');
  insist('Chrome', !('_initiator' in entry) || isObject(entry._initiator), '_initiator');
  insist('Chrome', URL.canParse(request.url) && !request.url.includes('#'), 'request.url');
  insist('Firefox', isObject(entry.cache), 'cache');
  insist('mitmproxy', !request.postData || typeof request.postData.text === 'string', 'postData.text');
  insist('HAR 1.2', typeof response.redirectURL === 'string' && typeof response.statusText === 'string', 'response strings');
}

function findNulls(value, path, report) {
  if (value === null) report(path);
  else if (typeof value === 'object') for (const key in value) findNulls(value[key], `${path}.${key}`, report);
}
