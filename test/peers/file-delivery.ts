/** A delivery agent for programs that hand messages to one: each message becomes a file. @module */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Makes the agent in a home directory and gives its path. */
export async function fileDelivery(home: string): Promise<string> {
  const out = path.join(home, 'out')
  await mkdir(out, { recursive: true })
  const agent = path.join(home, 'deliver')
  await writeFile(agent, `#!/bin/sh\nexec cat > "$(mktemp '${out}/XXXXXX')"\n`, { mode: 0o700 })
  return agent
}

/** What it was given, in no order. */
export async function deliveredFiles(home: string): Promise<Buffer[]> {
  const out = path.join(home, 'out')
  return Promise.all((await readdir(out)).map((name) => readFile(path.join(out, name))))
}
