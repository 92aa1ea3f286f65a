import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'
import { languageOf, translate } from './language.ts'
import { FRENCH } from './texts.fr.ts'

test('LANGUAGE lists, refuses what nobody speaks, and changes what is said, in every state (RFC 5255 §3.2)', () =>
  transcript(
    `
    S: * OK [CAPABILITY ... LANGUAGE ...] ...
    C: a LANGUAGE
    S: * LANGUAGE (en fr i-default)
    S: a OK These are the languages
    C: b LANGUAGE MUL
    S: b NO No language of these is spoken here
    C: c LANGUAGE (
    S: c BAD ...
    C: d LANGUAGE DE-IT FR-CA EN-CA
    S: * LANGUAGE (fr)
    S: d OK On parle maintenant français
    C: e LANGUAGE MUL
    S: e NO Aucune de ces langues n’est parlée ici
    C: f SELECT
    S: f BAD Connectez-vous d’abord
    C: g LOGIN ann@example.org wrong
    S: g NO [AUTHENTICATIONFAILED] Nom ou mot de passe incorrect
    C: h LOGIN ann@example.org
    S: h BAD Il manque un argument (à la position 24)
    C: i LANGUAGE "default"
    S: * LANGUAGE (en)
    S: i OK This is the language now
    `.replace(/[^\0-\x7f]/g, (char) => Buffer.from(char).toString('latin1')),
    connected(),
  ))

test('untagged notices, BYE and numbers are in the language; UNAUTHENTICATE ends it (RFC 8437 §4.1)', () =>
  transcript(
    `
    C: a LANGUAGE fr
    S: * LANGUAGE (fr)
    S: a OK ...
    C: b EXAMINE INBOX
    S: * FLAGS (...)
    S: * OK [PERMANENTFLAGS ()] Rien ne peut être changé ici
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY $validity] Les UID sont valables
    S: * OK [UIDNEXT 1] Le prochain UID
    S: * OK [HIGHESTMODSEQ $modseq] Les changements sont comptés
    S: * OK [MAILBOXID (...)] La boîte a un identifiant
    S: b OK [READ-ONLY] Ouverte en lecture
    C: c APPEND INBOX {60000000}
    S: c NO [TOOBIG] La limite est de 50000000 octets
    C: d UNAUTHENTICATE
    S: d OK Nobody is logged in
    C: e LANGUAGE fr
    S: * LANGUAGE (fr)
    S: e OK ...
    C: f LOGOUT
    S: * BYE À bientôt
    S: f OK Déconnecté
    S: <closed>
    `.replace(/[^\0-\x7f]/g, (char) => Buffer.from(char).toString('latin1')),
    loggedIn(),
  ))

for (const [range, language] of [
  ['en', 'en'],
  ['EN-GB', 'en'],
  ['fr-CA-x-y', 'fr'],
  ['i-default', 'i-default'],
  ['default', 'en'],
  ['f', undefined],
  ['frr', undefined],
  ['*', undefined],
  ['', undefined],
  ['-'.repeat(1_000), undefined],
] as const)
  test(`languageOf(${JSON.stringify(range.slice(0, 20))}) is ${language}`, () =>
    assert.equal(languageOf(range), language))

test('what has no translation is said in English', () => {
  assert.equal(translate('[ALERT] Nobody has translated 3 of these', 'fr'), '[ALERT] Nobody has translated 3 of these')
  assert.equal(translate('No such mailbox', 'en'), 'No such mailbox')
})

test('every French text has an English one with as many numbers', () => {
  for (const [english, french] of FRENCH)
    assert.equal(french.split('{}').length, english.split('{}').length, `${english}: ${french}`)
})

/** What the source says to people, as keys of a catalogue. */
function textsIn(folder: string): Set<string> {
  const texts = new Set<string>()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.includes('texts.')) continue
    const source = readFileSync(path.join(folder, file), 'utf8')
    const said = source.matchAll(
      /(?:text: |\bline\(|\bfault\(|Farewell\(|\bstop\(|\bend\(|: |\? )(['`])([A-Z{][^'`\n]{3,})\1/g,
    )
    for (const [, , text] of said) {
      const key = (text ?? '').replace(/\$\{[^}]*\}|(?<![A-Za-z=])[0-9]+(?![A-Za-z])/g, '{}')
      if (/^[A-Z{][^_]* [a-z]/.test(key) || /^[A-Z][a-z]+$/.test(key)) texts.add(key)
    }
  }
  return texts
}

test('most of what is said is translated; this lists what is not', (t) => {
  const said = textsIn(import.meta.dirname)
  assert.ok(said.size > 80, 'no texts were found: this test looked at nothing')
  const missing = [...said].filter((text) => !FRENCH.has(text)).sort()
  for (const text of missing) t.diagnostic(`not in texts.fr.ts: ${text}`)
  assert.ok(missing.length < said.size / 4, `${missing.length} of ${said.size} texts have no French`)
})
