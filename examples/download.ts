// Writes every message of a mailbox to a file of its own, whatever its size.
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { decodeHeaderText, ImapClient } from 'malle/client'
import { account } from './account.ts'

const [mailbox = 'INBOX', folder = 'mail'] = process.argv.slice(2)
await mkdir(folder, { recursive: true })

await using client = await ImapClient.connect(account)
await client.select(mailbox, { readOnly: true })
for await (const { uid, envelope, body } of client.fetch('1:*', { envelope: true, body: true })) {
  if (body === undefined) continue
  await using file = await open(path.join(folder, `${uid}.eml`), 'w')
  for await (const chunk of body) await file.write(chunk)
  console.log(`${uid}.eml, ${body.size} octets: ${decodeHeaderText(envelope.subject ?? '')}`)
}
