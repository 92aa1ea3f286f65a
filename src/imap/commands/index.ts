import type { Command } from '../command.ts'
import { deleteacl, getacl, listrights, myrights, setacl } from './acl.ts'
import { append } from './append.ts'
import { authenticate } from './authenticate.ts'
import { cancelUpdate } from './cancel-update.ts'
import { capability } from './capability.ts'
import { close, unselect } from './close.ts'
import { compress } from './compress.ts'
import { copy } from './copy.ts'
import { create } from './create.ts'
import { remove } from './delete.ts'
import { enable } from './enable.ts'
import { esearch } from './esearch.ts'
import { expunge } from './expunge.ts'
import { fetch } from './fetch.ts'
import { id } from './id.ts'
import { idle } from './idle.ts'
import { language } from './language.ts'
import { list } from './list.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { lsub } from './lsub.ts'
import { getmetadata, setmetadata } from './metadata.ts'
import { move } from './move.ts'
import { namespace } from './namespace.ts'
import { check, noop } from './noop.ts'
import { notify } from './notify.ts'
import { getquota, getquotaroot, setquota } from './quota.ts'
import { rename } from './rename.ts'
import { replace } from './replace.ts'
import { search } from './search.ts'
import { examine, select } from './select.ts'
import { sort } from './sort.ts'
import { starttls } from './starttls.ts'
import { status } from './status.ts'
import { store } from './store.ts'
import { subscribe, unsubscribe } from './subscribe.ts'
import { thread } from './thread.ts'
import { uidBatches } from './uid-batches.ts'
import { unauthenticate } from './unauthenticate.ts'

const COMMANDS: readonly Command[] = [
  append,
  authenticate,
  cancelUpdate,
  capability,
  check,
  close,
  compress,
  copy,
  create,
  deleteacl,
  enable,
  esearch,
  examine,
  expunge,
  fetch,
  getacl,
  getmetadata,
  getquota,
  getquotaroot,
  id,
  idle,
  language,
  list,
  listrights,
  login,
  logout,
  lsub,
  move,
  myrights,
  namespace,
  noop,
  notify,
  remove,
  rename,
  replace,
  search,
  select,
  setacl,
  setmetadata,
  setquota,
  sort,
  starttls,
  status,
  store,
  subscribe,
  thread,
  uidBatches,
  unauthenticate,
  unselect,
  unsubscribe,
]

/** Every command by the name a client says, `UID COPY` too. */
export const commands: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((each) => names(each).map((name) => [name, each])),
)

function names({ name, uidForm }: Command): string[] {
  return uidForm ? [name, `UID ${name}`] : [name]
}
