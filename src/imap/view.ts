import type { MailboxInfo } from '#store/types.ts'
import type { Context } from './command.ts'
import type { SelectedView } from './selected.ts'

/** Placeholder, to be replaced whole by the real view; `undefined` when the mailbox went meanwhile. */
export async function openView(
  _context: Context,
  _info: MailboxInfo,
  _how: { readonly readOnly: boolean },
): Promise<SelectedView | undefined> {
  throw new Error('Views are not built yet')
}
