import type { OpenMailbox } from './side.ts'

/** A mailbox that a dry run did not make. */
export const NO_MESSAGES: OpenMailbox = {
  validity: '',
  messages: () => Promise.resolve(new Map()),
  keeps: () => true,
  sizes: () => Promise.resolve(new Map()),
  identities: () => Promise.resolve(new Map()),
  async *fetch() {},
  append: () => Promise.resolve([]),
  changeFlags: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}
