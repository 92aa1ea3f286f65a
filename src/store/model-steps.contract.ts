/** Random requests, and what each must answer and do to the model. @module */
import assert from 'node:assert/strict'
import { formatUidSet, uidSetHas, uidSetOf } from '#mail/uid-set.ts'
import type { Random } from '#testing/random.ts'
import { flagsOf } from './flags.ts'
import { bytesOf, messageOf, numbersOf, type Person, patternOf, preparedOf, uids } from './kit.contract.ts'
import { type Model, type ModelEmail, type ModelMailbox, messagesIn } from './model-state.contract.ts'
import type { UidSet } from './types.ts'

/** A request before it is sent. */
export interface Step {
  readonly text: string
  /** Must not run beside others: it can be refused, or changes the tree. */
  readonly alone: boolean
  run(): Promise<Outcome>
}

/** An answer that has come; `apply` compares it with what the model says and changes the model. */
export interface Outcome {
  /** `undefined` when it was refused. */
  readonly modseq: number | undefined
  readonly changed: boolean
  apply(): void
}

const SYSTEM = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', '\\Deleted']
const KEYWORDS = ['work', 'Work', '$Forwarded', '$forwarded', 'NonJunk', 'x']

/** Makes steps for one account out of chance. */
export class Steps {
  readonly #person: Person
  readonly #model: Model
  readonly #random: Random
  #bodies = 0

  constructor(person: Person, model: Model, random: Random) {
    this.#person = person
    this.#model = model
    this.#random = random
  }

  /** The next request. Sizes stay bounded: the fuller the account, the more is expunged. */
  next(): Step {
    const { messages } = this.#model.usage()
    const full = messages > 400
    return this.#random.weighted<() => Step>([
      [full ? 2 : 20, () => this.append()],
      [full ? 1 : 6, () => this.deliver()],
      [30, () => this.changeFlags()],
      [full ? 2 : 10, () => this.copy()],
      [10, () => this.move()],
      [full ? 30 : 10, () => this.expunge()],
      [3, () => this.create()],
      [2, () => this.remove()],
      [3, () => this.rename()],
      [2, () => this.subscribe()],
      [this.#model.limited ? 6 : 1, () => this.setLimits()],
    ])()
  }

  append(): Step {
    const mailbox = this.#mailbox()
    const parts = Array.from({ length: this.#random.between(1, 4) }, () => ({
      email: this.#email(),
      flags: this.#flags(),
    }))
    const { key } = mailbox
    return {
      text: `append ${parts.length} to ${mailbox.name}`,
      alone: this.#model.limited,
      run: async () => {
        const messages = parts.map(({ email, flags }) => messageOf({ body: email.body, flags }))
        const answer = await this.#person.write('append', { mailbox: key ?? assert.fail(), messages })
        return outcome(answer, true, () => {
          const octets = parts.reduce((total, { email }) => total + email.size, 0)
          const refusal = this.#model.overQuota(octets, parts.length)
          if (refusal !== undefined || !answer.ok) return assert.deepEqual(answer, { ok: false, error: refusal })
          const { modseq } = answer.value
          const given = parts.map(({ email, flags }) => this.#model.add(mailbox, email, lower(flags), modseq))
          assert.deepEqual(answer.value.uids, given)
        })
      },
    }
  }

  deliver(): Step {
    const named = this.#random.chance(0.8) ? this.#mailbox().name : 'not/there'
    const flags = this.#flags()
    const trace = 'X: trace\r\n'.repeat(this.#random.below(3))
    const email = this.#email(trace.length)
    return {
      text: `deliver to ${named}`,
      alone: this.#model.limited,
      run: async () => {
        const recipients = [this.#person.recipient(named, { trace: bytesOf(trace), flags: flagsOf(flags) })]
        const body = { kind: 'bytes', bytes: email.body } as const
        const { store, ref } = this.#person
        const request = { shard: ref.shard, by: 'model', body, email: preparedOf(email.body.length), recipients }
        const [answer, ...more] = await store.deliver(request)
        assert.ok(answer)
        assert.deepEqual(more, [])
        return outcome(answer, true, () => {
          const refusal = this.#model.overQuota(email.size, 1)
          if (refusal !== undefined || !answer.ok) return assert.deepEqual(answer, { ok: false, error: refusal })
          const mailbox = this.#model.mailboxes.get(named) ?? this.#model.inbox
          assert.equal(answer.value.mailbox, mailbox.key)
          assert.equal(answer.value.uid, this.#model.add(mailbox, email, lower(flags), answer.value.modseq))
        })
      },
    }
  }

  changeFlags(): Step {
    const mailbox = this.#mailbox()
    const set = this.#set(mailbox)
    const action = this.#random.pick(['add', 'add', 'remove', 'replace'] as const)
    const names = this.#flags()
    const since = this.#random.chance(0.3) ? this.#random.pick(this.#model.marks.slice(-12)) : undefined
    return {
      text: `${action} (${names.join(' ')}) on ${mailbox.name} ${formatUidSet(set)} unchanged since ${since}`,
      alone: false,
      run: async () => {
        const answer = await this.#person.flag(mailbox.key ?? assert.fail(), set, action, names, since)
        return outcome({ ok: true, value: answer }, answer.changed.uids.length > 0, () => {
          const there = messagesIn(mailbox, set)
          const late = there.filter((message) => since !== undefined && message.modseq > since)
          assert.deepEqual(
            numbersOf(answer.modified),
            late.map((message) => message.uid),
          )
          for (const { uid } of there) assert.ok(!uidSetHas(answer.gone, uid), `UID ${uid} is there`)
          assert.equal(sizeOf(answer.gone), sizeOf(set) - there.length)
          const given = lower(names)
          const changed: number[] = []
          for (const message of there) {
            if (late.includes(message)) continue
            const flags = new Set(action === 'replace' ? given : message.flags)
            for (const name of given) {
              if (action === 'remove') flags.delete(name)
              else flags.add(name)
            }
            if (flags.symmetricDifference(message.flags).size === 0) continue
            message.flags = flags
            message.modseq = answer.modseq
            changed.push(message.uid)
          }
          assert.deepEqual([...answer.changed.uids], changed)
        })
      },
    }
  }

  copy(): Step {
    return this.#transfer('copy')
  }

  move(): Step {
    return this.#transfer('move')
  }

  expunge(): Step {
    const mailbox = this.#mailbox()
    const set = this.#random.chance(0.4) ? undefined : this.#set(mailbox)
    const which = set === undefined ? 'deleted' : this.#random.pick(['deleted', 'any'] as const)
    return {
      text: `expunge ${which} of ${mailbox.name} ${set === undefined ? 'all' : formatUidSet(set)}`,
      alone: false,
      run: async () => {
        const answer = await this.#person.must('expunge', { mailbox: mailbox.key ?? assert.fail(), uids: set, which })
        return outcome({ ok: true, value: answer }, answer.expunged.length > 0, () => {
          const named = set === undefined ? mailbox.messages : messagesIn(mailbox, set)
          const leaving = named.filter((message) => which === 'any' || message.flags.has('\\deleted'))
          assert.deepEqual(answer.expunged, uidSetOf(leaving.map((message) => message.uid)))
          this.#model.bury(mailbox, leaving)
        })
      },
    }
  }

  create(): Step {
    const name = this.#name()
    return this.#treeStep(`create ${name}`, async () => {
      const answer = await this.#person.write('createMailbox', { name, specialUse: undefined })
      return outcome(answer, true, () => {
        const exists = this.#model.mailboxes.has(name)
        assert.equal(answer.ok ? undefined : answer.error.kind, exists ? 'mailbox-exists' : undefined)
        if (!exists) this.#model.make(name)
      })
    })
  }

  remove(): Step {
    const mailbox = this.#mailbox()
    return this.#treeStep(`delete ${mailbox.name}`, async () => {
      const answer = await this.#person.write('deleteMailbox', { mailbox: mailbox.key ?? assert.fail() })
      return outcome(answer, true, () => {
        const isInbox = mailbox.name === 'INBOX'
        assert.equal(answer.ok ? undefined : answer.error.kind, isInbox ? 'is-inbox' : undefined)
        if (!isInbox) this.#model.remove(mailbox)
      })
    })
  }

  rename(): Step {
    const from = this.#random.chance(0.9) ? this.#mailbox().name : 'not/there'
    const to = this.#name()
    return this.#treeStep(`rename ${from} to ${to}`, async () => {
      const answer = await this.#person.write('renameMailbox', { from, to })
      return outcome(answer, true, () => {
        const said = answer.ok ? undefined : answer.error.kind
        const { mailboxes, inbox } = this.#model
        if (!mailboxes.has(from)) return assert.equal(said, 'no-such-mailbox')
        if (mailboxes.has(to)) return assert.equal(said, 'mailbox-exists')
        if (from !== 'INBOX') return assert.equal(said, this.#model.rename(from, to) ? undefined : 'mailbox-exists')
        assert.ok(answer.ok)
        const target = this.#model.make(to)
        for (const { email, flags } of inbox.messages) this.#model.add(target, email, flags, answer.value.modseq)
        this.#model.bury(inbox, inbox.messages)
      })
    })
  }

  subscribe(): Step {
    const name = this.#name()
    const subscribed = this.#random.chance(0.6)
    return this.#treeStep(`${subscribed ? '' : 'un'}subscribe ${name}`, async () => {
      const answer = await this.#person.must('subscribe', { name, subscribed })
      return outcome({ ok: true, value: answer }, true, () => {
        if (subscribed) this.#model.subscriptions.add(name)
        else this.#model.subscriptions.delete(name)
      })
    })
  }

  setLimits(): Step {
    const usage = this.#model.usage()
    const limits = this.#random.pick([
      { storageBytes: undefined, messages: undefined },
      { storageBytes: usage.storageBytes + this.#random.below(400), messages: undefined },
      { storageBytes: undefined, messages: usage.messages + this.#random.below(5) },
    ])
    return this.#treeStep(`limits ${JSON.stringify(limits)}`, async () => {
      const answer = await this.#person.must('setLimits', { limits })
      return outcome({ ok: true, value: answer }, true, () => {
        this.#model.limits = limits
      })
    })
  }

  #transfer(kind: 'copy' | 'move'): Step {
    const mailbox = this.#mailbox()
    const target = this.#random.chance(0.85) ? this.#mailbox() : mailbox
    const set = this.#set(mailbox)
    return {
      text: `${kind} ${formatUidSet(set)} from ${mailbox.name} to ${target.name}`,
      alone: this.#model.limited,
      run: async () => {
        const own = { mailbox: mailbox.key ?? assert.fail(), uids: set, target: target.key ?? assert.fail() }
        const answer = await this.#person.write(kind, own)
        const changed = answer.ok && answer.value.from.length > 0
        return outcome(answer, changed, () => {
          const there = messagesIn(mailbox, set)
          const octets = there.reduce((total, { email }) => total + email.size, 0)
          const refusal = kind === 'copy' ? this.#model.overQuota(octets, there.length) : undefined
          if (refusal !== undefined || !answer.ok) return assert.deepEqual(answer, { ok: false, error: refusal })
          const { modseq } = answer.value
          if (kind === 'move') this.#model.bury(mailbox, there)
          const to = there.map(({ email, flags }) => this.#model.add(target, email, flags, modseq))
          assert.deepEqual([answer.value.from, answer.value.to], [uidSetOf(there.map(({ uid }) => uid)), uidSetOf(to)])
        })
      },
    }
  }

  #treeStep(text: string, run: () => Promise<Outcome>): Step {
    return { text, alone: true, run }
  }

  #mailbox(): ModelMailbox {
    return this.#random.pick([...this.#model.mailboxes.values()])
  }

  #name(): string {
    const level = (): string => this.#random.pick(['a', 'b', 'c', 'é'])
    return Array.from({ length: this.#random.between(1, 3) }, level).join('/')
  }

  #flags(): string[] {
    return [...this.#random.some(SYSTEM, 0.25), ...this.#random.some(KEYWORDS, 0.12)]
  }

  #email(traceOctets = 0): ModelEmail {
    this.#bodies += 1
    const body = patternOf(this.#random.below(120), this.#bodies)
    return { size: body.length + traceOctets, body, key: undefined }
  }

  /** UIDs that are there, that were there, and that never were. */
  #set(mailbox: ModelMailbox): UidSet {
    const any = (): number => this.#random.between(1, mailbox.uidNext + 1)
    switch (this.#random.below(5)) {
      case 0:
        return uids([1, 4_294_967_295])
      case 1:
        return uids(any())
      case 2:
        return uids(any(), any(), any())
      case 3: {
        const first = any()
        return uids([first, first + this.#random.below(10)], any())
      }
      default: {
        const there = mailbox.messages.map((message) => message.uid)
        return uids(...this.#random.some(there, 0.2))
      }
    }
  }
}

function lower(names: readonly string[]): Set<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}

function sizeOf(set: UidSet): number {
  return set.reduce((total, [first, last]) => total + last - first + 1, 0)
}

function outcome(
  answer: { readonly ok: true; readonly value: { readonly modseq: number } } | { readonly ok: false },
  changed: boolean,
  apply: () => void,
): Outcome {
  return { modseq: answer.ok ? answer.value.modseq : undefined, changed: changed && answer.ok, apply }
}
