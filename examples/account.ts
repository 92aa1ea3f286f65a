// Where the examples connect: from the environment, so that no password stands in a file.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { ImapClientOptions, Pop3ClientOptions } from 'malle/client'

const { MAIL_HOST = 'localhost', IMAP_PORT = '993', POP3_PORT = '995', MAIL_LOGIN = '', MAIL_CA } = process.env
const { MAIL_PASSWORD = '' } = process.env

const shared = {
  host: MAIL_HOST,
  credentials: { login: MAIL_LOGIN, password: MAIL_PASSWORD },
  ...(MAIL_CA === undefined ? {} : { tls: { ca: readFileSync(MAIL_CA) } }),
}

export const account: ImapClientOptions = { ...shared, port: Number(IMAP_PORT) }
export const maildrop: Pop3ClientOptions = { ...shared, port: Number(POP3_PORT) }
