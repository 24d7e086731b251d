// An OpenID provider on a free port of loopback: signs JWT access tokens (RFC 9068) for whatever resource
// its one client names (RFC 8707). Reads its plan from stdin, says its URL, and ends with its stdin.

'use strict';

const http = require('node:http');
const { generateKeyPairSync } = require('node:crypto');
const { pathToFileURL } = require('node:url');

const ALGORITHM = 'RS256';

function configuration(plan) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    clients: [{
      client_id: plan.client,
      client_secret: plan.secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: ALGORITHM }] },
    scopes: plan.scope.split(' '),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: plan.scope,
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: ALGORITHM } },
        }),
      },
    },
    extraTokenClaims: () => ({ roles: plan.roles }),
    formats: {
      customizers: {
        // By itself it names the client.
        jwt: (_context, _token, parts) => {
          parts.payload.sub = plan.subject;
        },
      },
    },
  };
}

async function main() {
  const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
  let text = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (part) => {
    text += part;
    if (!text.includes('\n')) return;
    const plan = JSON.parse(text);
    process.stdin.removeAllListeners('data').resume();
    const server = http.createServer().listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${server.address().port}`;
      server.on('request', new Provider(url, configuration(plan)).callback());
      process.stdout.write(`${url}\n`);
    });
  });
  process.stdin.on('end', () => process.exit(0));
}

main();
