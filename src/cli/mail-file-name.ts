/** Names for files from names that strangers wrote. @module */
import { Buffer } from 'node:buffer'
import { oneLine } from './mail-text.ts'

/** Octets of a name, so that ` (999)` still fits into the 255 of most file systems. */
const NAME_BYTES = 200
/** Names that Windows keeps for devices. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * A name that stays in its folder: the last piece of a path, without control characters and what some systems forbid,
 * never hidden, never a device, of bounded length.
 */
export function fileNameOf(written: string | undefined, type: string, part: string): string {
  const last =
    oneLine(written ?? '')
      .split(/[/\\]/)
      .at(-1) ?? ''
  const name = last.replace(/[<>:"|?*]/g, '_').replace(/^[\s.]+|[\s.]+$/g, '')
  if (name === '') return `attachment-${part}${extensionOf(type)}`
  return short(DEVICE.test(name) || name.startsWith('-') ? `_${name}` : name)
}

function extensionOf(type: string): string {
  const subtype = type.toLowerCase().split('/')[1] ?? ''
  if (subtype === 'rfc822') return '.eml'
  return /^(?:pdf|png|gif|jpeg|zip|html|csv|calendar)$/.test(subtype)
    ? `.${subtype === 'calendar' ? 'ics' : subtype}`
    : '.bin'
}

/** Cut between characters, the extension kept. */
function short(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ''
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    if (Buffer.byteLength(kept + segment) + extension.length > NAME_BYTES) break
    kept += segment
  }
  return kept.trimEnd() + extension
}
