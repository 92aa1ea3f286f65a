/**
 * Plays a transcript against a server that is not ours: answer by answer, where RFCs leave forms, orders and unasked
 * responses open. What must not come is asked for by the transcripts themselves (FLAGS after a PEEK).
 * @module
 */
import assert from 'node:assert/strict'
import { ImapLines } from '../imap-client.ts'
import type { Scene, TranscriptServer } from '../transcript.ts'
import { Names } from '../transcript-names.ts'
import { nodesOf } from './nodes.ts'
import { type Asked, sameFetch, sameResponse } from './same.ts'
import { bytesOf, ends, type Step, sameExpunges, stepsOf, type Wanted, wantedOf } from './wanted.ts'

/** A server took a way on which the rest of the case says nothing (`O: a NO ... <over>`). */
class Over extends Error {}

const OVER = / ?<over>$/
const NOTHING_MORE = '<nothing> <over>'

interface Speaker {
  readonly lines: ImapLines
  pending: string
  asked: Asked
  /** Came and was not wanted yet. */
  left: string[]
}

/** Lines that a server may send whenever it likes (RFC 9051 §7), and that no case is about. */
const ASIDE =
  /^\* (?:\d+ (?:RECENT|FETCH \((?:(?:UID \d+|MODSEQ \(\d+\)|FLAGS \([^)]*\)) ?)+\)$)|FLAGS \(|CAPABILITY |OK (?!\[(?:CLOSED|UIDVALIDITY|ALERT)))/

export async function playLoosely(server: TranscriptServer, text: string, scene: Scene): Promise<void> {
  const player = new LoosePlayer(server, scene)
  try {
    await player.play(stepsOf(text))
  } catch (error) {
    if (!(error instanceof Over)) throw error
  } finally {
    player.close()
  }
}

class LoosePlayer {
  readonly #server: TranscriptServer
  readonly #scene: Scene
  readonly #bound = new Map<string, string>()
  readonly #names = new Names(this.#bound)
  readonly #speakers = new Map<string, Speaker>()

  constructor(server: TranscriptServer, scene: Scene) {
    this.#server = server
    this.#scene = scene
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (let at = 0; at < steps.length; ) {
      const step = steps[at]
      if (step === undefined) return
      const { who, side, said } = step
      if (side === 'A') this.#compare(said)
      else if (side === 'T') this.#server.pass(Number(said))
      else if (side === 'C' || side === 'C~')
        await this.#say(await this.#speaker(who), said, side === 'C' ? '\r\n' : '')
      else {
        const end = steps.findIndex((each, index) => index > at && (each.who !== who || !/^[SUO]/.test(each.side)))
        const block = steps.slice(at, end < 0 ? steps.length : end)
        await this.#hear(await this.#speaker(who), block)
        at += block.length
        continue
      }
      at += 1
    }
    for (const speaker of this.#speakers.values()) this.#send(speaker)
    for (const [who, { lines, left }] of this.#speakers) {
      const more = [...left, await lines.unread()].join('\n').split(/\r?\n/)
      assert.deepEqual(
        more.filter((line) => line !== '' && !ASIDE.test(line)),
        [],
        `more came than the transcript has, on connection ${who || 1}`,
      )
    }
  }

  close(): void {
    for (const { lines } of this.#speakers.values()) lines.reset()
  }

  async #speaker(who: string): Promise<Speaker> {
    const known = this.#speakers.get(who)
    if (known !== undefined) return known
    const lines = new ImapLines(await this.#server.connect())
    const speaker: Speaker = { lines, pending: '', asked: { children: false }, left: [] }
    this.#speakers.set(who, speaker)
    if (!this.#scene.greeting) await lines.line()
    for (const [index, command] of this.#scene.commands.entries()) {
      const last = (await lines.command(`setup${index} ${command}`)).at(-1) ?? ''
      assert.match(last, /^setup\d+ OK/, `the scene is not set: ${last}`)
    }
    return speaker
  }

  async #say(speaker: Speaker, said: string, lineEnd: string): Promise<void> {
    if (said === '<end>' || said === '<reset>' || said === '<piece>' || said === '<tls>') {
      this.#send(speaker)
      if (said === '<end>') speaker.lines.end()
      else if (said === '<reset>') speaker.lines.reset()
      else if (said === '<tls>') await speaker.lines.secure()
      return
    }
    if (/^\S+ (?:X?LIST|LSUB) /i.test(said))
      speaker.asked = { children: /CHILDREN/i.test(said) || !/LIST \(| \(.*\)$| RETURN \(/i.test(said) }
    speaker.pending += bytesOf(this.#names.filled(said), true) + lineEnd
  }

  #send(speaker: Speaker): void {
    if (speaker.pending !== '') speaker.lines.send(speaker.pending)
    speaker.pending = ''
  }

  /** Hears answers up to each line that ends something: a tagged one, `+`, or the end of the connection. */
  async #hear(speaker: Speaker, block: readonly Step[]): Promise<void> {
    this.#send(speaker)
    let wanted: Wanted[] = []
    let passing = false
    const all = wantedOf(block)
    for (const [at, each] of all.entries()) {
      const [first = ''] = each.forms
      if (first === '<lines>' || first === '...') {
        passing = true
        continue
      }
      if (first !== '<closed>' && !each.forms.some((form) => ends(form))) {
        wanted.push(each)
        continue
      }
      // pipelined commands may be answered before those in front of them are done (RFC 9051 §5.5)
      const last = !all.slice(at + 1).some(({ forms }) => ends(forms[0] ?? ''))
      await this.#until(speaker, each, wanted, passing, last)
      wanted = []
      passing = false
    }
    if (wanted.length > 0) await this.#untagged(speaker, wanted)
  }

  async #until(
    speaker: Speaker,
    end: Wanted,
    wanted: readonly Wanted[],
    passing: boolean,
    last: boolean,
  ): Promise<void> {
    const got = speaker.left.splice(0)
    const { forms } = end
    for (;;) {
      const response = await this.#response(speaker).catch((error: unknown) => {
        if ([end, ...wanted].some((each) => each.forms.includes(NOTHING_MORE))) throw new Over()
        throw error
      })
      const form = forms.find((each) => this.#ended(each, response, speaker))
      if (form === undefined && response !== undefined && !ends(response)) {
        got.push(response)
        continue
      }
      if (form === undefined)
        assert.equal([...got, response ?? 'the end'].join(' / '), this.#names.filled(forms[0] ?? ''))
      if (form !== undefined && OVER.test(form)) throw new Over()
      // who answers another way may say other things before
      const way = passing || form !== forms[0]
      return this.#settle(speaker, form === forms[0] ? wanted : [], got, way, last)
    }
  }

  #ended(form: string, response: string | undefined, speaker: Speaker): boolean {
    if (response === undefined) return form.replace(OVER, '') === '<closed>'
    return this.#same(form, response, speaker)
  }

  /** Nothing ends these: they are all there is, and come when the server likes. */
  async #untagged(speaker: Speaker, wanted: readonly Wanted[]): Promise<void> {
    const got = speaker.left.splice(0)
    for (;;) {
      const { missing, left } = this.#matched(speaker, wanted, got)
      if (missing.length === 0) {
        speaker.left = left
        return
      }
      const response = await this.#response(speaker).catch(() => undefined)
      if (response === undefined && missing.every(({ forms }) => forms.includes(NOTHING_MORE))) throw new Over()
      if (response === undefined || ends(response))
        return assert.equal(
          [...got, response].join(' / '),
          missing.map(({ forms }) => this.#names.filled(forms[0] ?? '')).join(' / '),
        )
      got.push(response)
    }
  }

  #settle(speaker: Speaker, wanted: readonly Wanted[], got: readonly string[], passing: boolean, last: boolean): void {
    const { missing, left } = this.#matched(speaker, wanted, got)
    if (!last && missing.length === 0) {
      speaker.left = left
      return
    }
    if (missing.some(({ forms }) => forms.includes(NOTHING_MORE))) throw new Over()
    const more = passing ? [] : left.filter((response) => !ASIDE.test(response))
    if (missing.length === 0 && more.length === 0) return
    const named = wanted.map(({ forms }) => this.#names.filled(forms[0] ?? ''))
    assert.equal(got.join(' / '), named.join(' / '), missing.length > 0 ? 'missing' : `too much: ${more.join(' / ')}`)
  }

  /** Finds each that is wanted among what came. */
  #matched(speaker: Speaker, all: readonly Wanted[], got: readonly string[]): { missing: Wanted[]; left: string[] } {
    const left = [...got]
    const wanted = sameExpunges(all, left)
    let missing: Wanted[] = []
    for (const each of wanted) {
      const at = left.findIndex((response) => each.forms.some((form) => this.#same(form, response, speaker)))
      if (at >= 0) left.splice(at, 1)
      else missing.push(each)
    }
    // items of one message may come in several responses
    missing = missing.filter(({ forms }) => !forms.some((form) => this.#inParts(form, got, left)))
    return { missing: missing.filter(({ optional, forms }) => !optional && !forms.includes('<nothing>')), left }
  }

  #same(form: string, response: string, speaker: Speaker): boolean {
    return sameResponse(form.replace(OVER, ''), response, this.#names, speaker.asked)
  }

  #inParts(form: string, got: readonly string[], left: string[]): boolean {
    const number = /^\* (\d+) FETCH /.exec(form)?.[1]
    if (number === undefined) return false
    const parts = got.filter((response) => response.startsWith(`* ${number} FETCH `))
    const wanted = nodesOf(form, true)
    if (
      !this.#names.attempt(() =>
        sameFetch(
          wanted,
          parts.map((part) => nodesOf(part, false)),
          this.#names,
        ),
      )
    )
      return false
    for (const part of parts) if (left.includes(part)) left.splice(left.indexOf(part), 1)
    return true
  }

  /** A line with its literals. */
  async #response(speaker: Speaker): Promise<string | undefined> {
    let text = await speaker.lines.line()
    for (;;) {
      const size = /~?\{(\d+)\}$/.exec(text ?? '')?.[1]
      if (text === undefined || size === undefined) return text
      text += `\r\n${await speaker.lines.bytes(Number(size))}${(await speaker.lines.line()) ?? ''}`
    }
  }

  #compare(said: string): void {
    const text = this.#names.filled(said)
    // a name that only other ways would have bound
    if (text.includes('$')) return
    const [, left, sign, right] = /^(\d+) ([<=]) (\d+)$/.exec(text) ?? []
    assert.ok(sign !== undefined, `not a comparison: ${text}`)
    assert.ok(sign === '<' ? Number(left) < Number(right) : left === right, `does not hold: ${said}: ${text}`)
  }
}
