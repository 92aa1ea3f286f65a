import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Random } from '#testing/random.ts'
import type { AccountJournal, Entry, MailboxJournal } from '../crash/journal.ts'
import { type KillOptions, killRounds } from '../crash/kill.ts'
import { verify } from '../crash/verify.ts'

/** Few rounds; `node test/crash/kill.ts --rounds 50` is the real thing. */
const OPTIONS: Omit<KillOptions, 'folder'> = {
  rounds: 3,
  seed: 20_261,
  accounts: 2,
  lmtpClients: 3,
  least: 150,
  most: 600,
  checkEvery: 3,
  workers: 1,
  shards: 1,
  upkeep: false,
  tell: () => undefined,
}

test('A server that is killed under load has kept what it acknowledged', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-'))
  try {
    let seen: readonly string[] = []
    const report = await killRounds({
      ...OPTIONS,
      folder,
      lastly: async (server, journal) => {
        const [account] = journal.accounts
        if (account === undefined) throw new Error('There is no account')
        const messages = messagesOf(account)
        for (const [index, { make }] of WRONGS.entries()) {
          const message = messages[index]
          assert.ok(message, 'there are too few messages')
          make(message, account)
        }
        seen = (await verify(server, journal, new Random(1))).faults
      },
    })
    assert.deepEqual(report.faults, [])
    assert.equal(report.kills, OPTIONS.rounds)
    assert.ok(report.acknowledged > 0 && report.messagesCompared > 0, 'nothing was looked at')
    // A comparison that sees nothing must not pass.
    for (const { what, fault } of WRONGS) {
      assert.ok(
        seen.some((sentence) => fault.test(sentence)),
        `${what} was not seen: ${seen.join('\n')}`,
      )
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

interface Known {
  readonly mailbox: MailboxJournal
  readonly uid: number
  readonly entry: Entry
}

function messagesOf(account: AccountJournal): readonly Known[] {
  return Array.from(account.mailboxes.values(), (mailbox) =>
    Array.from(mailbox.entries, ([uid, entry]): Known => ({ mailbox, uid, entry })),
  ).flat()
}

interface Wrong {
  readonly what: string
  readonly fault: RegExp
  /** Each is given a message of its own. */
  readonly make: (message: Known, account: AccountJournal) => void
}

/** What a store may do wrong, as changes to the journal of one that did nothing wrong. */
const WRONGS: readonly Wrong[] = [
  {
    what: 'a lost delivery',
    fault: /message 999991 was acknowledged and is lost/,
    make: (_, account) => account.mailbox('INBOX').arrivals.set(999_991, { flags: '', must: true }),
  },
  {
    what: 'a lost message',
    fault: /message 999992 was acknowledged and is lost/,
    make: ({ mailbox }) => mailbox.entries.set(888_881, { token: 999_992, flags: [''], modseq: 1, mayBeGone: false }),
  },
  {
    what: 'lost flags',
    fault: /has the flags ".*" and must have "\$Never"/,
    make: ({ entry }) => {
      entry.flags = ['$Never']
    },
  },
  {
    what: 'an expunge undone',
    fault: /was expunged and is back/,
    make: ({ mailbox, uid }) => mailbox.entries.delete(uid),
  },
  {
    what: 'a UID used again',
    fault: /was 999993 and is now/,
    make: ({ mailbox, uid }) => mailbox.tokens.set(uid, 999_993),
  },
  {
    what: 'another MODSEQ',
    fault: /had MODSEQ 999999999 and has/,
    make: ({ entry }) => {
      entry.modseq = 999_999_999
    },
  },
  {
    what: 'another UIDVALIDITY',
    fault: /STATUS says UIDVALIDITY/,
    make: (_, account) => {
      account.mailbox('INBOX').uidValidity = 1
    },
  },
  {
    what: 'a UIDNEXT that went back',
    fault: /UIDNEXT went back/,
    make: (_, account) => {
      account.mailbox('Shared').uidNext = 4_000_000_000
    },
  },
  {
    what: 'a MODSEQ that went back',
    fault: /HIGHESTMODSEQ went back/,
    make: (_, account) => {
      account.mailbox('INBOX').modseq = 999_999_999
    },
  },
  {
    what: 'half a MOVE',
    fault: /an open move of 2 messages was done for 1/,
    make: ({ mailbox, uid, entry }, account) => {
      // As if this message had come by a MOVE of two.
      mailbox.entries.delete(uid)
      mailbox.tokens.delete(uid)
      const from = account.mailbox(mailbox.name === 'Work1' ? 'Shared' : 'Work1')
      const members = [entry.token, 999_994].map((token, index) => ({ uid: 888_882 + index, token, flags: '' }))
      for (const member of members) from.arrived(member.uid, member.token, '').mayBeGone = true
      account.open.add({ kind: 'move', from: from.name, to: mailbox.name, members })
    },
  },
  {
    what: 'other trace lines or bytes',
    fault: /has other trace lines/,
    make: ({ entry }, account) => account.traces.set(entry.token, 'other'),
  },
  {
    what: 'a change that a client which resynchronises is not told of',
    fault: /a client that resynchronises sees/,
    make: ({ mailbox, uid }) => mailbox.picture.set(uid, '$Never'),
  },
  {
    what: 'another UIDL',
    fault: /the UIDL of UID \d+ became/,
    make: (_, account) => {
      const { uidls } = account.mailbox('INBOX')
      for (const uid of uidls.keys()) uidls.set(uid, 'other')
    },
  },
]
