/** GETMETADATA and SETMETADATA (RFC 5464 §4.2, §4.3, §6.2.2). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { MetadataEntry } from '#store/types.ts'
import type { MetadataRequest, MetadataValue } from '#wire/imap/metadata.ts'
import { type Command, type Completion, type Context, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { netUnicode, readMailbox } from '../mailbox-names.ts'
import { chooseMetadata, isAnnotated, writeMetadata } from '../metadata-response.ts'
import { NOT_ALLOWED, type Reached, reach } from '../resolve.ts'

export const getmetadata: Command = command<MetadataRequest>({
  name: 'GETMETADATA',
  states: LOGGED_IN,
  parse(r) {
    const request = r.sp().metadataRequest()
    r.end()
    return request
  },
  async run({ mailbox, entries, depth, maxSize }, _by, context) {
    const name = netUnicode(mailbox)
    const found = await annotated(context, name)
    if (!found.ok) return found.error
    const { store, account, out } = context
    const { account: whose = account, info } = found.value ?? {}
    const there = await store.metadata(whose, info?.key, account.id)
    const all = chooseMetadata(info === undefined ? [administrator(context), ...there] : there, entries, depth)
    const fits = ({ value }: MetadataValue): boolean => value === undefined || value.length <= (maxSize ?? Infinity)
    writeMetadata(out, name, all.filter(fits))
    const longest = all.reduce((most, value) => (fits(value) ? most : Math.max(most, value.value?.length ?? 0)), 0)
    // The largest of those left out (RFC 5464 §4.2.1).
    return {
      status: 'OK',
      ...(longest > 0 ? { code: `METADATA LONGENTRIES ${longest}` } : {}),
      text: 'Those are the annotations',
    }
  },
})

interface SetArgs {
  readonly mailbox: string
  readonly values: readonly MetadataValue[]
}

export const setmetadata: Command = command<SetArgs>({
  name: 'SETMETADATA',
  states: LOGGED_IN,
  // setmetadata = "SETMETADATA" SP mailbox SP entry-values
  parse(r) {
    const mailbox = readMailbox(r.sp())
    const values = r.sp().metadataValues()
    r.end()
    return { mailbox, values }
  },
  async run({ mailbox, values }, _by, context) {
    const { store, account, actor } = context
    const found = await annotated(context, mailbox)
    if (!found.ok) return found.error
    const { account: whose = account, info } = found.value ?? {}
    for (const { name } of values) {
      // "/private" alone is a place to look below, not an entry (RFC 5464 §3.2: two components at least).
      if (name.lastIndexOf('/') === 0) return { status: 'BAD', text: 'The name of an entry is expected' }
      // What all people of the server see is not for one of them to say (RFC 5464 §3.3).
      if (info === undefined && name.startsWith('/shared/'))
        return { status: 'NO', code: 'NOPERM', text: 'Only the administrator annotates the server' }
    }
    const entries = values.map(({ name, value }) => ({ name, value: value === undefined ? undefined : bytesOf(value) }))
    const answer = await store.write('setMetadata', {
      account: whose,
      by: actor,
      mailbox: info?.key,
      user: account.id,
      entries,
    })
    if (!answer.ok) return refusalCompletion(answer.error)
    return { status: 'OK', text: 'Annotated' }
  },
})

/** How the administrator is reached; nobody can change it (RFC 5464 §6.2.2). */
function administrator({ address }: Context): MetadataEntry {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return { name: '/shared/admin', value: Buffer.from(`mailto:postmaster@${encodeURI(domain)}`) }
}

/** The mailbox, `undefined` for the server as a whole. */
async function annotated(context: Context, name: string): Promise<Result<Reached | undefined, Completion>> {
  if (name === '') return done(undefined)
  const found = await reach(context, name, 'l')
  return !found.ok || isAnnotated(found.value) ? found : refused(NOT_ALLOWED)
}

/** In memory of their own: they travel to another thread. */
function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (char) => char.charCodeAt(0))
}
