// Empties a maildrop (POP3): each message to a file of its own; none is deleted before all of them are on disk.
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { Pop3Client } from 'malle/client'
import { maildrop } from './account.ts'

const [folder = 'mail'] = process.argv.slice(2)
await mkdir(folder, { recursive: true })

await using client = await Pop3Client.connect(maildrop)
const ids = new Map((await client.maildrop()).map(({ message, uniqueId }) => [message, uniqueId]))
for await (const { message, body, refusal } of client.retrieveAll(ids.keys())) {
  if (refusal !== undefined) throw refusal
  // unique-ids may have characters that file names cannot
  await using file = await open(path.join(folder, `${encodeURIComponent(ids.get(message) ?? message)}.eml`), 'w')
  for await (const chunk of body) await file.write(chunk)
  await file.datasync()
}
await Promise.all([...ids.keys()].map((message) => client.delete(message)))
await client.quit()
console.log(`${ids.size} messages`)
