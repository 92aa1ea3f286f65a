import type { Language } from './words.ts'

/** POP3 as configured, besides what the registry knows of accounts. */
export interface Pop3Options {
  /** Downloaded messages get `\Seen` at QUIT. */
  readonly markSeen: boolean
  /** For `LANG *`. */
  readonly language: Language
}

export const DEFAULT_OPTIONS: Pop3Options = { markSeen: false, language: 'en' }
