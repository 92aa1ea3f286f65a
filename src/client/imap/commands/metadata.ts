/** GETMETADATA and SETMETADATA (RFC 5464 §4.2, §4.3). @module */
import { Buffer } from 'node:buffer'
import {
  type MetadataDepth,
  type MetadataValue,
  writeMetadataRequest,
  writeMetadataValues,
} from '#wire/imap/metadata.ts'
import { UnsupportedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import { plainCommand } from '../command.ts'
import { type ImapSession } from '../session.ts'

export interface MetadataOptions {
  /** How far below each entry; default `0`: only itself. */
  readonly depth?: MetadataDepth
  /** Octets above which a value is left out. */
  readonly maxSize?: number
}

/** Annotations of a mailbox or of the server. */
export interface Metadata {
  /** By the entry's name in lower case; entries without a value are not there. */
  readonly values: ReadonlyMap<string, Buffer>
  /** Octets of the largest value that `maxSize` left out, 0 where none was. */
  readonly largestLeftOut: number
}

/** @param mailbox Empty: the server itself. */
export function getMetadata(
  session: ImapSession,
  mailbox: string,
  entries: readonly string[],
  { depth = '0', maxSize }: MetadataOptions,
): ImapCommand<Metadata> {
  need(session, mailbox)
  const values = new Map<string, Buffer>()
  return {
    name: 'GETMETADATA',
    repeatable: true,
    write: (w) => writeMetadataRequest(w.text('GETMETADATA '), { mailbox, maxSize, depth, entries }),
    take(response) {
      if (response.kind !== 'METADATA' || response.content.kind !== 'values') return false
      for (const { name, value } of response.content.values)
        if (value !== undefined) values.set(name, Buffer.from(value, 'latin1'))
      return true
    },
    finish: ({ code }) => ({
      values,
      largestLeftOut: code?.kind === 'METADATA' && code.what === 'LONGENTRIES' ? code.octets : 0,
    }),
  }
}

/** Values by entry: text is sent as UTF-8, `undefined` takes the entry away. */
export type MetadataChanges = Readonly<Record<string, string | Uint8Array | undefined>>

/** @param mailbox Empty: the server itself. */
export function setMetadata(session: ImapSession, mailbox: string, entries: MetadataChanges): ImapCommand<void> {
  need(session, mailbox)
  const values: MetadataValue[] = Object.entries(entries).map(([name, value]) => ({
    name: name.toLowerCase(),
    value: value === undefined ? undefined : Buffer.from(value).toString('latin1'),
  }))
  const write: ImapCommand<void>['write'] = (w) => writeMetadataValues(w.sp().mailbox(mailbox).sp(), values)
  return plainCommand('SETMETADATA', write, { repeatable: true })
}

function need({ capabilities }: ImapSession, mailbox: string): void {
  if (capabilities.has('METADATA') || (mailbox === '' && capabilities.has('METADATA-SERVER'))) return
  throw new UnsupportedError(mailbox === '' ? 'METADATA-SERVER' : 'METADATA', 'annotations')
}
