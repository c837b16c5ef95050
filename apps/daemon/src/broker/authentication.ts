// What counts as a client's own authentication, and what could turn a request into another one, spec/broker.md §4. On a host that has a
// grant both are refused: an agent that brings its own account could carry data out through an allowed host.

/** Servers behind CGI see `-` and `_` alike. */
const plainName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

const authenticationHeader = /authorization|authentication|auth(?!or)|token|secret|passw|credential|signature|jwt|bearer|cookie/;
const keyHeader = /(?:api|access|private|subscription|functions|app|application|auth)-?key$/;

/** Every request of npm has it: how a person would log in. It authenticates nobody. */
const harmlessHeader = 'npm-auth-type';

/** [BROKER-17] */
export function isAuthenticationHeader(name: string): boolean {
  const plain = plainName(name);
  if (plain === harmlessHeader) return false;
  return authenticationHeader.test(plain) || keyHeader.test(plain);
}

const authenticationParameters: ReadonlySet<string> = new Set([
  ...['accesskey', 'accesskeyid', 'accesstoken', 'apikey', 'apitoken', 'appkey', 'auth', 'authkey', 'authorization', 'authtoken'],
  ...[
    'awsaccesskeyid',
    'bearer',
    'bearertoken',
    'clientsecret',
    'credential',
    'credentials',
    'idtoken',
    'jobtoken',
    'jwt',
    'key',
  ],
  ...[
    'oauthconsumerkey',
    'oauthsignature',
    'oauthtoken',
    'passwd',
    'password',
    'privatetoken',
    'pwd',
    'refreshtoken',
    'secret',
    'sessiontoken',
  ],
  ...['sig', 'signature', 'subscriptionkey', 'token', 'usertoken', 'xamzcredential', 'xamzsecuritytoken', 'xamzsignature'],
  ...['xapikey', 'xgoogcredential', 'xgoogsignature'],
]);

/** `name` is decoded. Page and continuation tokens are not in the list. [BROKER-18] */
export function isAuthenticationParameter(name: string): boolean {
  return authenticationParameters.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
}

const protocolName = /^[A-Za-z]*[0-9]{0,2}[A-Za-z]{0,2}$/;
const maxProtocolCharacters = 40;

/**
 * Whether a `Sec-WebSocket-Protocol` names protocols and nothing else. Browsers, which cannot set headers, put tokens there: what is long,
 * mixes letters and digits as keys do, or speaks of authentication, counts as one. [BROKER-17]
 */
export function namesProtocols(value: string): boolean {
  return value.split(',').every((each) => {
    const name = each.trim();
    const parts = name.split(/[./_-]/);
    const plain = parts.every((part) => protocolName.test(part) && !/key$/i.test(part));
    return plain && name.length <= maxProtocolCharacters && !isAuthenticationHeader(name);
  });
}

const overrideHeader =
  /^(?:forwarded|x-(?:host|uri|url|path|real-ip|http-(?:method|path|host|url|uri)|method|original|rewrite|override|forwarded|envoy|accel|request-uri).*)$/;

/** Headers by which some servers take another method, path or host than the request line's. [BROKER-10] */
export const isOverrideHeader = (name: string): boolean => overrideHeader.test(plainName(name));

/** `name` is decoded. [BROKER-10] */
export const isOverrideParameter = (name: string): boolean => plainName(name) === '-method';
