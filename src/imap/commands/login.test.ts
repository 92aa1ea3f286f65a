import { test } from 'node:test'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'

test('LOGIN refuses bad grammar', () =>
  transcript(
    `
    S: ...
    C: a LOGIN ann@example.org
    S: a BAD An argument is missing (at position 24)
    C: b LOGIN ann@example.org secret more
    S: b BAD Nothing more is expected (at position 32)
    `,
    connected(),
  ))

test('LOGIN refuses strings that are not UTF-8', () =>
  transcript(
    `
    S: ...
    C: a LOGIN {1+}
    C: \\xff secret
    S: a BAD The string is not UTF-8 (at position 9)
    `,
    connected(),
  ))

test('LOGIN is for those who are not logged in', () =>
  transcript(
    `
    C: a LOGIN ann@example.org secret
    S: a BAD You are logged in already
    C: b AUTHENTICATE PLAIN
    S: b BAD You are logged in already
    C: c STARTTLS
    S: c BAD You are logged in already
    `,
    loggedIn(),
  ))

test('LOGIN says the same of unknown people and of wrong passwords, and no more than five times', () =>
  transcript(
    `
    S: ...
    C: a LOGIN nobody@example.org secret
    S: a NO [AUTHENTICATIONFAILED] Name or password is wrong
    C: b LOGIN ann@example.org wrong
    S: b NO [AUTHENTICATIONFAILED] Name or password is wrong
    C: c LOGIN pop-only@example.org secret
    S: c NO [AUTHORIZATIONFAILED] IMAP is switched off here
    C: d LOGIN ann@example.org wrong
    S: d NO [AUTHENTICATIONFAILED] Name or password is wrong
    C: e LOGIN ann@example.org wrong
    S: e NO [AUTHENTICATIONFAILED] Name or password is wrong
    S: * BYE Too many failed logins
    S: <closed>
    `,
    connected(),
  ))

test('LOGIN gives the capabilities that come with it', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN] mail.example.org Malle is ready
    C: a login {15}
    S: + OK
    C: ann@example.org "secret"
    S: a OK [CAPABILITY $capabilities ...] Logged in
    C: b NOOP
    S: b OK Nothing done
    `,
    connected(),
  ))

test('commands that need a login are BAD without', () =>
  transcript(
    `
    S: ...
    C: a SELECT INBOX
    S: a BAD Log in first
    C: b NOOP
    S: b OK Nothing done
    C: c ENABLE IMAP4rev2
    S: c BAD Log in first
    `,
    connected(),
  ))
