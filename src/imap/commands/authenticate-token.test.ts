import { test } from 'node:test'
import { tokenFor } from '#testing/fake-registry.ts'
import { connected, transcript } from '#testing/transcript.ts'

const oauth = {
  scopes: { imap: 'mail' },
  configuration: 'https://id.example.org/.well-known/openid-configuration',
}
const base64 = (text: string) => Buffer.from(text).toString('base64')
const bearer = (name: string, token: string) => base64(`n,a=${name},\x01auth=Bearer ${token}\x01\x01`)
const xoauth2 = (name: string, token: string) => base64(`user=${name}\x01auth=Bearer ${token}\x01\x01`)
const ann = tokenFor('ann@example.org')
const fault = base64(
  JSON.stringify({ status: 'invalid_token', scope: 'mail', 'openid-configuration': oauth.configuration }),
)

test('tokens are taken where an issuer is configured', () =>
  transcript(
    `
    S: * OK [CAPABILITY $caps ... AUTH=OAUTHBEARER AUTH=XOAUTH2 AUTH=PLAIN AUTH=LOGIN] ...
    C: a AUTHENTICATE OAUTHBEARER ${bearer('ann@example.org', ann)}
    S: a OK [CAPABILITY ...] Logged in
    `,
    connected({ oauth }),
  ))

test('without an issuer they are neither listed nor done', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 ... AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN] ...
    C: a AUTHENTICATE OAUTHBEARER ${bearer('ann@example.org', ann)}
    S: a NO [CANNOT] The mechanism is not offered
    C: b AUTHENTICATE XOAUTH2
    S: b NO [CANNOT] The mechanism is not offered
    C: c AUTHENTICATE EXTERNAL =
    S: c NO [CANNOT] The mechanism is not offered
    `,
    connected(),
  ))

test('no token is taken in the clear', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 ... STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256] ...
    C: a AUTHENTICATE OAUTHBEARER
    S: a NO [PRIVACYREQUIRED] Use TLS before you log in
    C: b STARTTLS
    S: b OK ...
    C: <tls>
    C: c AUTHENTICATE OAUTHBEARER
    S: +
    C: ${bearer('ann@example.org', ann)}
    S: c OK [CAPABILITY ...] Logged in
    `,
    connected({ oauth, tls: true, allowPlaintext: false }),
  ))

test('a refused token is explained, and the client may go on (RFC 7628 §4.3)', () =>
  transcript(
    `
    S: ...
    C: a AUTHENTICATE OAUTHBEARER ${base64('n,a=ann@example.org,\x01host=mail.example.org\x01port=143\x01auth=\x01\x01')}
    S: + ${fault}
    C: AQ==
    S: a NO [AUTHENTICATIONFAILED] ...
    C: b AUTHENTICATE OAUTHBEARER ${bearer('ann@example.org', 'nonsense')}
    S: + ${fault}
    C: *
    S: b NO [AUTHENTICATIONFAILED] ...
    C: c AUTHENTICATE XOAUTH2 ${xoauth2('ann@example.org', 'nonsense')}
    S: + ${base64(JSON.stringify({ status: '401', schemes: 'bearer', scope: 'mail' }))}
    C:
    S: c NO [AUTHENTICATIONFAILED] ...
    C: d AUTHENTICATE OAUTHBEARER AQ==
    S: d BAD The answer cannot be read
    C: e AUTHENTICATE OAUTHBEARER
    S: +
    C: *
    S: e BAD Cancelled
    C: f AUTHENTICATE OAUTHBEARER  ${bearer('ann@example.org', ann)}
    S: f OK ...
    `,
    connected({ oauth }),
  ))

test('a token opens nobody else', () =>
  transcript(
    `
    S: ...
    C: a AUTHENTICATE XOAUTH2
    S: +
    C: ${xoauth2('bob@example.org', ann)}
    S: + ...
    C:
    S: a NO [AUTHORIZATIONFAILED] You cannot be somebody else
    C: b AUTHENTICATE XOAUTH2
    S: +
    C: ${xoauth2('ann@example.org', ann)}
    S: b OK ...
    `,
    connected({ oauth }),
  ))
