// What mailboxes there are, how full, and which is for what.
import { ImapClient } from 'malle/client'
import { account } from './account.ts'

await using client = await ImapClient.connect(account)
for (const { name, status } of await client.list({ status: true })) {
  console.log(`${name}: ${status?.MESSAGES ?? 0} messages, ${status?.UNSEEN ?? 0} unread`)
}
const special = await client.specialMailboxes()
console.log(`Sent mail goes to ${special.get('sent')?.name ?? 'nowhere'}`)
