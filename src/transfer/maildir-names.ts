/** Names of mailboxes as folders of a Maildir++ (`.Level.Level`), in IMAP's modified UTF-7 as Dovecot and Courier keep them. @module */

/** `Entwürfe/v1.0` → `.Entw&APw-rfe.v1&AC4-0`; the dot of a level is encoded, since it separates levels. */
export function maildirFolder(mailbox: string): string {
  return `.${mailbox.split('/').map(encodeLevel).join('.')}`
}

/** The mailbox of a Maildir++ folder; names that are UTF-8 instead of modified UTF-7 are taken as they are. */
export function mailboxOfMaildirFolder(folder: string): string {
  return folder
    .replace(/^\./, '')
    .split('.')
    .map(decodeLevel)
    .filter((level) => level !== '')
    .join('/')
    .normalize('NFC')
}

/** A level without a name, which a hostile server may list, has one here: `..` is another folder. */
function encodeLevel(level: string): string {
  if (level === '') return '_'
  return level.replace(/&|[^\u0020-\u007e&]+|\./g, (run) => {
    if (run === '&') return '&-'
    const utf16 = Buffer.from(run, 'utf16le').swap16()
    return `&${utf16.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`
  })
}

function decodeLevel(level: string): string {
  const text = level.replace(/&([A-Za-z0-9+,]*)-/g, (all, coded: string) => {
    if (coded === '') return '&'
    const utf16 = Buffer.from(coded.replaceAll(',', '/'), 'base64')
    return utf16.length % 2 === 0 ? utf16.swap16().toString('utf16le') : all
  })
  // A level never holds the separator of mailboxes, nor controls.
  return text.replace(/[/\u0000-\u001f\u007f]/g, '_')
}
