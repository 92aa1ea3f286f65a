// Tells of new mail as it comes, also after the network was gone. Ends after the first message.
import { ClientError, decodeHeaderText, ImapClient } from 'malle/client'
import { account } from './account.ts'

try {
  await using client = await ImapClient.connect(account)
  const inbox = await client.select('INBOX')
  let next = inbox.uidNext ?? 1
  console.log('watching')
  watching: for await (const event of client.watch()) {
    if (event.kind === 'lost') console.log(`connecting again: ${event.error.message}`)
    if (event.kind !== 'exists') continue
    for await (const { uid, envelope } of client.fetch(`${next}:*`, { envelope: true })) {
      if (uid < next) continue
      next = uid + 1
      console.log(`new: ${decodeHeaderText(envelope.subject ?? '')}`)
      break watching
    }
  }
} catch (error) {
  // each error says what can be done; `instanceof` tells AuthenticationError, RefusedError … apart
  if (!(error instanceof ClientError)) throw error
  console.log(`${error.name}: ${error.message}`)
}
