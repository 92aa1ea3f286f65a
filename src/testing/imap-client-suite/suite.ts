/** What an ImapClient must be able to do with any server; run against our own here, against others in test/peers. @module */
import { after, describe } from 'node:test'
import { Bench, type ClientTarget } from './bench.ts'
import { bodyTests } from './bodies.ts'
import { changeTests } from './changes.ts'
import { extraTests } from './extras.ts'
import { mailboxTests } from './mailboxes.ts'
import { newsTests } from './news.ts'
import { resumeTests } from './resume.ts'

export type { ClientTarget }

/** Runs the suite; `open` is called once. */
export function imapClientSuite(name: string, open: () => Promise<ClientTarget>): void {
  describe(`ImapClient with ${name}`, { concurrency: 1 }, () => {
    const bench = new Bench(open)
    after(() => bench.end())
    mailboxTests(bench)
    bodyTests(bench)
    changeTests(bench)
    extraTests(bench)
    newsTests(bench)
    resumeTests(bench)
  })
}

/** The part of it that is about lost connections: for servers that lack what makes it easy. */
export function imapResumeSuite(name: string, open: () => Promise<ClientTarget>): void {
  describe(`ImapClient with ${name}`, { concurrency: 1 }, () => {
    const bench = new Bench(open)
    after(() => bench.end())
    resumeTests(bench)
  })
}
