import { test } from 'node:test'
import { type Follower, walkTogether } from './followers.ts'
import { Random } from './random.ts'
import { openTestStore } from './store.ts'
import { StoreFollower } from './store-follower.ts'

const STEPS = process.env['MALLE_LONG'] === '1' ? 10_000 : 500

for (const seed of [1, 2, 3])
  test(`three who follow by changes() have the same picture at every sync, seed ${seed}`, async () => {
    await using opened = await openTestStore({ sliceRows: 11 })
    const { store, account } = opened
    await store.write('createMailbox', { account, by: 'test', name: 'Other', specialUse: undefined })
    const mailbox = (await store.mailboxByName(account, 'INBOX'))?.key
    if (mailbox === undefined) throw new Error('There is no INBOX')
    const followers: Follower[] = ['ann', 'bob', 'cyd'].map((name) => new StoreFollower(name, store, account, mailbox))
    const random = new Random(seed)
    await walkTogether({ random, steps: STEPS, store, account, mailbox, targets: ['INBOX', 'Other'], followers })
  })
