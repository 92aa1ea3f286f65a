/** `npm run conformance` against a server of ours that is started for it, in a folder of its own. @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Installation } from '../crash/server-process.ts'
import { allCases } from './play.ts'

const PASSWORD = 'secret'
const folder = await mkdtemp(path.join(tmpdir(), 'malle-conformance-'))
try {
  const installation = await Installation.make(folder, { durability: 'relaxed' })
  await installation.addAccounts([])
  const names = allCases().map((_, index) => `${String(index + 1).padStart(3, '0')}@example.org`)
  const table = path.join(folder, 'accounts.csv')
  await writeFile(table, `address,hash\r\n${names.map((name) => `${name},{PLAIN}${PASSWORD}\r\n`).join('')}`)
  await installation.verb('account', 'add', '--from', table)
  const server = await installation.serve()
  try {
    const { host, port } = server.endpoint('imap')
    const pop3 = String(server.endpoint('pop3').port)
    const script = path.join(import.meta.dirname, 'run.ts')
    const words = [script, host, String(port), '%n@example.org', PASSWORD, '--pop3', pop3, ...process.argv.slice(2)]
    const child = spawn(process.execPath, words, { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    process.exitCode = code ?? 1
  } finally {
    await server.stop()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
