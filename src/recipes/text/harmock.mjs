// harmock.mjs
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

const proxy = process.env.HARMOCK_PROXY_URL ?? '@PROXY@';
const authority = readFileSync(process.env.HARMOCK_CA ?? @CA@, 'utf8');
const ca = [...rootCertificates, authority];
setGlobalDispatcher(new EnvHttpProxyAgent({ httpProxy: proxy, httpsProxy: proxy, noProxy: '', requestTls: { ca } }));
