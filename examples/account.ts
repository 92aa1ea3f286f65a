// Where the examples connect: from the environment, so that no password stands in a file.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { ImapClientOptions } from 'malle/client'

const { IMAP_HOST = 'localhost', IMAP_PORT = '993', IMAP_LOGIN = '', IMAP_PASSWORD = '', IMAP_CA } = process.env

export const account: ImapClientOptions = {
  host: IMAP_HOST,
  port: Number(IMAP_PORT),
  credentials: { login: IMAP_LOGIN, password: IMAP_PASSWORD },
  ...(IMAP_CA === undefined ? {} : { tls: { ca: readFileSync(IMAP_CA) } }),
}
