import { say } from './language.ts'

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', say('permission denied', 'accès refusé')],
  ['EPERM', say('permission denied', 'accès refusé')],
  ['ENOENT', say('there is no such file or folder', 'ce fichier ou dossier n’existe pas')],
  ['ENOTDIR', say('a part of the path is not a folder', 'une partie du chemin n’est pas un dossier')],
  ['EISDIR', say('it is a folder', 'c’est un dossier')],
  ['EEXIST', say('there is a file of that name', 'un fichier porte ce nom')],
  ['ENOSPC', say('the disk is full', 'le disque est plein')],
  ['EDQUOT', say('the disk quota is used up', 'le quota du disque est épuisé')],
  ['EROFS', say('the file system is read-only', 'le système de fichiers est en lecture seule')],
  ['EIO', say('the disk fails', 'le disque est en panne')],
  ['EMFILE', say('too many files are open', 'trop de fichiers sont ouverts')],
  ['ENAMETOOLONG', say('the name is too long', 'le nom est trop long')],
  ['EADDRINUSE', say('another program uses that port', 'un autre programme utilise ce port')],
  ['EADDRNOTAVAIL', say('this machine has no such address', 'cette machine n’a pas cette adresse')],
])

/** What SQLite says by number (its primary result codes). */
const SQLITE_CODES: ReadonlyMap<number, string> = new Map([
  [8, 'EROFS'],
  [10, 'EIO'],
  [13, 'ENOSPC'],
  [14, 'EACCES'],
])

/** Why the system said no, in plain words; `undefined` when it was not the system. */
export function reasonOf(error: unknown): string | undefined {
  const code = systemCode(error)
  return code === undefined ? undefined : (REASONS.get(code) ?? code)
}

/** The same for a code. */
export function reasonOfCode(code: string): string {
  return REASONS.get(code) ?? code
}

/** `ENOENT` and the like, also of what SQLite met; `undefined` when it was not the system. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errcode, syscall, cause } = error as NodeJS.ErrnoException & { errcode?: number }
  if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) return SQLITE_CODES.get(errcode & 0xff)
  if (syscall !== undefined || (code !== undefined && REASONS.has(code))) return code
  return systemCode(cause)
}
