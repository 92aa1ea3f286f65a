/** CAPABILITY, NOOP, ID, ENABLE, STARTTLS, COMPRESS, LOGOUT (RFC 9051 §6.1, §6.2.1, §6.3.1, RFC 2971, RFC 4978, RFC 5161). @module */
import { toBinary } from '#wire/imap/characters.ts'
import { writeIdParams } from '#wire/imap/id-params.ts'
import { type ImapCommand, plainCommand } from '../command.ts'

const none = (): void => undefined

/** What it says is kept by the session. */
export function capability(): ImapCommand<void> {
  return plainCommand('CAPABILITY', none, { repeatable: true })
}

export function noop(): ImapCommand<void> {
  return plainCommand('NOOP', none, { repeatable: true })
}

export function startTls(): ImapCommand<void> {
  return plainCommand('STARTTLS', none)
}

export function compress(): ImapCommand<void> {
  return plainCommand('COMPRESS', (w) => w.text(' DEFLATE'))
}

export function logout(): ImapCommand<void> {
  return plainCommand('LOGOUT', none)
}

/** What is switched on by it is kept by the session. */
export function enable(names: readonly string[]): ImapCommand<void> {
  return plainCommand('ENABLE', (w) => w.text(` ${names.join(' ')}`), { repeatable: true })
}

/** Gives what the server says of itself. */
export function id(params: Readonly<Record<string, string>> | undefined): ImapCommand<ReadonlyMap<string, string>> {
  const said = new Map<string, string>()
  return {
    name: 'ID',
    repeatable: true,
    write(w) {
      w.text('ID ')
      writeIdParams(w, params && new Map(Object.entries(params).map(([name, value]) => [name, toBinary(value)])))
    },
    take(response) {
      if (response.kind !== 'ID') return false
      for (const [name, value] of response.params ?? []) if (value !== undefined) said.set(name, value)
      return true
    },
    finish: () => said,
  }
}
