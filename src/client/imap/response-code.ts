import type { ResponseCode } from '#wire/imap/response-codes.ts'

/** The name of a code in upper case. */
export function codeName(code: ResponseCode | undefined): string | undefined {
  return code?.kind === 'OTHER' ? code.name : code?.kind
}
