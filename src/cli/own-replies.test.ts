import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replyInFrench } from './own-replies.ts'

for (const [english, french] of [
  [
    '4.7.5 MTA-STS of x.net (enforce): the certificate of mx.x.net is not for mx.x.net',
    '4.7.5 MTA-STS de x.net (enforce) : le certificat de mx.x.net n’est pas pour mx.x.net',
  ],
  [
    '4.7.5 DANE of mx.x.net: the certificate of mx.x.net is not for mx.x.net or x.net',
    '4.7.5 DANE de mx.x.net : le certificat de mx.x.net n’est ni pour mx.x.net, ni pour x.net',
  ],
  [
    '4.7.4 MTA-STS of x.net (enforce): no TLS with mx.x.net: 502 5.5.1 not known here',
    '4.7.4 MTA-STS de x.net (enforce) : pas de TLS avec mx.x.net : 502 5.5.1 not known here',
  ],
  [
    '4.7.5 the route for *: the certificate of smtp.x.net cannot be verified (CERT_REVOKED)',
    '4.7.5 la route pour * : le certificat de smtp.x.net ne peut pas être vérifié (CERT_REVOKED)',
  ],
  [
    '5.4.7 Given up after 5 days. At last: 4.7.5 MTA-STS of x.net (enforce): mx.y.net is not in its policy',
    '5.4.7 Abandonné après 5 jours. En dernier : 4.7.5 MTA-STS de x.net (enforce) : mx.y.net n’est pas dans sa politique',
  ],
  [
    '5.4.7 Given up after 5 days. At last: 451 4.3.0 Later',
    '5.4.7 Abandonné après 5 jours. En dernier : 451 4.3.0 Later',
  ],
  ['4.4.1 Connection refused', '4.4.1 Connexion refusée'],
  ['5.1.10 x.net takes no mail (null MX)', '5.1.10 x.net n’accepte aucun courrier (MX nul)'],
] as const)
  test(`our own reply in French: ${english}`, () => assert.equal(replyInFrench(english), french))

for (const reply of [
  '451 4.7.5 MTA-STS of x.net (enforce): mx.y.net is not in its policy',
  '4.9.9 The moon is full',
  '4.7.5 the certificate of mx.x.net is green',
  '250 2.0.0 kept',
  '',
])
  test(`words that are no sentence of ours stay as they are: ${reply}`, () => assert.equal(replyInFrench(reply), reply))
