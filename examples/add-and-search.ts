// Adds messages, finds one of them, marks it and moves it.
import { ImapClient, uidsOf } from 'malle/client'
import { account } from './account.ts'

await using client = await ImapClient.connect(account)
await client.appendAll('INBOX', [
  { body: 'From: ann@example.org\r\nSubject: apples\r\n\r\nRed ones.\r\n', flags: ['\\Seen'] },
  { body: 'From: bob@example.org\r\nSubject: pears\r\n\r\nGreen ones.\r\n' },
])
await client.select('INBOX')
const { uids } = await client.search({ subject: 'pears', seen: false })
await client.store(uids, { add: ['\\Flagged', '$Fruit'] })
await client.create('Fruit').catch((error: unknown) => console.log(String(error)))
const moved = await client.move(uids, 'Fruit')
console.log(`Moved to Fruit as ${[...uidsOf(moved?.to ?? [])].join(', ')}`)
