import { ScriptedServer, type TestCertificate } from './scripted-server.ts'
import type { LineClient } from './whole-server.ts'

/** What is said to a command, its tag in front: lines, or whatever the function sends. */
export type Answer = readonly string[] | ((tag: string, peer: LineClient, rest: string) => Promise<void> | void)

/** How a scripted IMAP server answers; the name of the command in upper case, `UID` with what follows it. */
export interface ImapScript {
  /** Default: `IMAP4rev1 SASL-IR AUTH=PLAIN`. */
  readonly capabilities?: string
  /** TLS from the first byte; default: none. */
  readonly tls?: TestCertificate
  /** In place of the greeting. */
  readonly greeting?: string
  /** `$` stands for the tag in lines that begin with it, which end the command; by connection where it is a function. */
  readonly answers?: Readonly<Record<string, Answer>> | ((connection: number) => Readonly<Record<string, Answer>>)
}

const DEFAULTS: Readonly<Record<string, Answer>> = {
  AUTHENTICATE: ['$ OK in'],
  LOGOUT: ['* BYE bye', '$ OK bye'],
  NOOP: ['$ OK nothing'],
  SELECT: ['* 3 EXISTS', '* OK [UIDVALIDITY 7] v', '* OK [UIDNEXT 4] n', '$ OK [READ-WRITE] open'],
}

/** Starts a server that answers as told; commands it does not know are BAD. */
export function imapScript(script: ImapScript): Promise<ScriptedServer> {
  const capabilities = script.capabilities ?? 'IMAP4rev1 SASL-IR AUTH=PLAIN'
  return ScriptedServer.start(async (peer, connection) => {
    const { answers = {} } = script
    const given = typeof answers === 'function' ? answers(connection) : answers
    const known: Record<string, Answer> = {
      ...DEFAULTS,
      CAPABILITY: [`* CAPABILITY ${capabilities}`, '$ OK done'],
      ...given,
    }
    peer.send(script.greeting ?? `* OK [CAPABILITY ${capabilities}] hello\r\n`)
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      const [tag = '', first = '', second = ''] = line.split(' ')
      const name = (first === 'UID' ? `UID ${second}` : first).toUpperCase()
      const answer = new Map(Object.entries(known)).get(name)
      if (answer === undefined) peer.send(`${tag} BAD what is ${name}?\r\n`)
      else if (typeof answer === 'function') await answer(tag, peer, line)
      else for (const each of answer) peer.send(`${each.startsWith('$ ') ? `${tag}${each.slice(1)}` : each}\r\n`)
    }
  }, script.tls)
}
