import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, transcript } from '#testing/transcript.ts'

test('SETQUOTA by an administrator replaces all limits of a root (RFC 9208 §4.1.3)', async () => {
  await using server = await TestImapServer.start({ messages: [{}] })
  const { registry, store } = server
  registry.setLimits = async (account, limits) => (await store.write('setLimits', { account, by: 'test', limits })).ok
  await transcript(
    `
    C: a SETQUOTA bob@example.org (STORAGE 512 MESSAGE 10)
    S: * QUOTA "bob@example.org" (STORAGE 0 512 MESSAGE 0 10)
    S: a OK The quota is set
    C: b SETQUOTA "bob@example.org" (message 5)
    S: * QUOTA "bob@example.org" (MESSAGE 0 5)
    S: b OK The quota is set
    C: c GETQUOTA bob@example.org
    S: * QUOTA "bob@example.org" (MESSAGE 0 5)
    S: c OK That is the quota
    C: d SETQUOTA "" (STORAGE 9223372036854775807)
    S: * QUOTA "" (STORAGE 1 8796093022207)
    S: d OK The quota is set
    C: e SETQUOTA "" ()
    S: e OK The quota is set
    C: f SETQUOTA nobody@example.org (STORAGE 512)
    S: f NO [NONEXISTENT] No such quota root
    C: g SETQUOTA "" (MAILBOX 3)
    S: g NO [CANNOT] Only STORAGE and MESSAGE have limits, each one
    C: h SETQUOTA "" (STORAGE 3 STORAGE 4)
    S: h NO [CANNOT] Only STORAGE and MESSAGE have limits, each one
    `,
    on(server, loggedIn()),
  )
  registry.setLimits = async () => false
  await transcript(
    `
    C: a SETQUOTA bob@example.org (STORAGE 512)
    S: a NO [UNAVAILABLE] The quota cannot be set now, try again
    `,
    on(server, loggedIn()),
  )
})

test('others set no quota and see none but their own', () =>
  transcript(
    `
    C: a SETQUOTA bob@example.org (STORAGE 512)
    S: a NO [NOPERM] Only the administrator changes quotas
    C: b SETQUOTA "" (STORAGE 512)
    S: b NO [NOPERM] Only the administrator changes quotas
    C: c GETQUOTA bob@example.org
    S: c NO [NONEXISTENT] No such quota root
    `,
    loggedIn(),
  ))
