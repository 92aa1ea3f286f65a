/** A server of ours for the transcripts, in a folder of its own. @module */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Installation } from '../crash/server-process.ts'
import type { Peer } from './play.ts'

/** A server while cases are played against it. */
export interface Started extends AsyncDisposable {
  readonly peer: Peer
}

/** Starts it with these accounts, all with the same password. */
export async function startOurs(names: readonly string[], password: string): Promise<Started> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-conformance-'))
  const clean = () => rm(folder, { recursive: true, force: true })
  try {
    const installation = await Installation.make(folder, { durability: 'relaxed' })
    await installation.addAccounts([])
    const table = path.join(folder, 'accounts.csv')
    await writeFile(table, `address,hash\r\n${names.map((name) => `${name},{PLAIN}${password}\r\n`).join('')}`)
    await installation.verb('account', 'add', '--from', table)
    const server = await installation.serve()
    const { host, port } = server.endpoint('imap')
    const pop3Port = server.endpoint('pop3').port
    return {
      peer: { host, port, pop3Port, user: '%n@example.org', password, security: 'none' },
      async [Symbol.asyncDispose]() {
        await server.stop()
        await clean()
      },
    }
  } catch (error) {
    await clean()
    throw error
  }
}
