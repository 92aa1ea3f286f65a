import { type Command, command, LOGGED_IN } from '../command.ts'
import { AnnotationWatch } from '../notify/annotation-watch.ts'

/**
 * ENABLE (RFC 9051 §6.3.1, RFC 5161, RFC 5464 §4.1, RFC 9586 §3.1). Names that are not known are passed over. A client that has selected a mailbox
 * should not say it, and is served all the same.
 */
export const enable: Command = command<readonly string[]>({
  name: 'ENABLE',
  states: LOGGED_IN,
  parse(r) {
    const names = r.names()
    r.end()
    return names
  },
  async run(names, _by, context) {
    const { enabled, out, session, store } = context
    const before = { ...enabled }
    const now: string[] = []
    for (const name of new Set(names)) {
      switch (name) {
        case 'IMAP4REV2':
          // UTF-8 comes with it (RFC 9051 §5.1); mailbox names are then no longer modified UTF-7.
          enabled.rev2 = true
          enabled.utf8 = true
          if (!before.rev2) now.push('IMAP4rev2')
          break
        case 'UTF8=ACCEPT':
          enabled.utf8 = true
          if (!before.utf8) now.push(name)
          break
        case 'UIDONLY':
          enabled.uidOnly = true
          if (!before.uidOnly) now.push(name)
          break
        case 'QRESYNC':
          enabled.qresync = true
          enabled.condstore = true
          if (!before.qresync) now.push(name)
          break
        case 'METADATA': {
          if (session.annotations !== undefined) break
          const watch = await AnnotationWatch.begin(context)
          session.watchAnnotations(watch)
          if (watch !== undefined) now.push(name)
          break
        }
        case 'CONDSTORE':
          enabled.condstore = true
          if (!before.condstore) now.push(name)
          break
      }
    }
    out.utf8 = enabled.utf8
    out.text(`* ENABLED${now.map((name) => ` ${name}`).join('')}\r\n`)
    if (enabled.condstore && !before.condstore && session.selected !== undefined) {
      // RFC 7162 §3.1.2: the client must learn from where on it may count.
      const { account, modseq, mailbox } = session.selected
      if ((await store.mailbox(account, mailbox)) !== undefined)
        out.text(`* OK [HIGHESTMODSEQ ${modseq}] `).line('Changes are counted')
    }
    return { status: 'OK', text: 'Enabled' }
  },
})
