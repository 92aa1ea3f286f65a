import { test } from 'node:test'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'

test('LOGIN gives capabilities; LOGOUT ends', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN] mail.example.org Malle is ready
    C: a LOGIN ann@example.org wrong
    S: a NO [AUTHENTICATIONFAILED] Name or password is wrong
    C: b login ann@example.org "secret"
    S: b OK [CAPABILITY ...] Logged in
    C: c NOOP
    S: c OK Nothing done
    C: d LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: d OK That is the list
    C: e LOGOUT
    S: * BYE See you
    S: e OK Logged out
    S: <closed>
    `,
    connected(),
  ))
