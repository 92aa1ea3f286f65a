/**
 * A session after ENABLE METADATA (RFC 5464 §4.1, §4.4): hears of annotations that others change, with the answer of its
 * next command or in IDLE. What it changes itself is not told; what others changed at the same time is.
 * @module
 */
import type { AccountId } from '#mail/ids.ts'
import type { Change } from '#store/types.ts'
import type { Context } from '../command.ts'
import { NOTIFY_ANNOTATED } from '../limits.ts'
import { mailboxTree } from '../mailbox-tree.ts'
import { isAnnotated } from '../metadata-response.ts'
import { type Place, WatchedAnnotations, writeChangedAnnotations } from './watched-annotations.ts'

/** What was announced of an account since the last look. */
interface Announced {
  /** This session did it all. */
  readonly own: boolean
  /** The last of it. */
  readonly modseq: number
}

/** See the module. */
export class AnnotationWatch {
  readonly #context: Context
  readonly #annotations: WatchedAnnotations
  /** How to stop hearing of each account that has something to watch. */
  readonly #stops = new Map<AccountId, () => void>()
  #announced = new Map<AccountId, Announced>()

  private constructor(context: Context) {
    this.#context = context
    this.#annotations = new WatchedAnnotations(context)
  }

  /** What the store has now is what the client knows; `undefined` when it is too much to watch. */
  static async begin(context: Context): Promise<AnnotationWatch | undefined> {
    const watch = new AnnotationWatch(context)
    const places = await watch.#places()
    if (places.length <= NOTIFY_ANNOTATED) {
      await watch.#annotations.changes(places)
      return watch
    }
    watch.close()
    return undefined
  }

  /** Whether {@link tell} has something to look at. */
  get pending(): boolean {
    return this.#announced.size > 0
  }

  /** Writes what others changed. */
  async tell(): Promise<void> {
    const announced = this.#announced
    this.#announced = new Map()
    const { store, out } = this.#context
    const places = (await this.#places()).slice(0, NOTIFY_ANNOTATED)
    const silent = new Set<AccountId>()
    for (const { account } of places) {
      const { own, modseq } = announced.get(account.id) ?? { own: false, modseq: 0 }
      if (!own || silent.has(account.id)) continue
      // Commits are announced in their order: nothing later is there, so nobody else had a hand in it.
      if (((await store.state(account))?.modseq ?? 0) <= modseq) silent.add(account.id)
    }
    for (const change of await this.#annotations.changes(places)) {
      if (!silent.has(change.place.account.id)) writeChangedAnnotations(this.#context, change)
      if (out.due) await out.flush()
    }
  }

  /** Hears no more. */
  close(): void {
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
  }

  /** The server, and mailboxes whose annotations the person may read. */
  async #places(): Promise<readonly Place[]> {
    const { account } = this.#context
    this.#listen(account.id)
    const places: Place[] = [{ name: '', account, mailbox: undefined }]
    for (const { name, box } of (await mailboxTree(this.#context, true)).nodes) {
      if (box === undefined || !isAnnotated(box)) continue
      this.#listen(box.account.id)
      places.push({ name, account: box.account, mailbox: box.info.key })
    }
    return places
  }

  #listen(id: AccountId): void {
    if (!this.#stops.has(id))
      this.#stops.set(
        id,
        this.#context.store.watch(id, (change) => this.#hear(change)),
      )
  }

  #hear({ account, mailbox, modseq, by }: Change): void {
    // Annotations are announced as the tree is; messages are not of interest.
    if (mailbox !== undefined) return
    const own = by === this.#context.actor && (this.#announced.get(account)?.own ?? true)
    this.#announced.set(account, { own, modseq })
    if (!own) this.#context.session.connection.wake()
  }
}
