import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Load, type Pace, StandingBack } from './standing-back.ts'

/** Others who take a share of one core, and a clock. */
class Others implements Load {
  readonly cores: number
  share: number
  /** Of the thread itself. */
  own = 0
  #now = 5_000
  #own = 10
  #others = 70

  constructor(share: number, cores = 1) {
    this.share = share
    this.cores = cores
  }

  now(): number {
    return this.#now
  }

  taken(): { readonly own: number; readonly others: number } {
    return { own: this.#own, others: this.#others }
  }

  pass(ms: number): void {
    this.#now += ms
    this.#own += ms * this.own
    this.#others += ms * this.share
  }
}

/** Waits until there is something to do. @returns after how long, and how. */
function waited(back: StandingBack, others: Others, mostMs = 1_000_000): { ms: number; kind: Pace['kind'] } {
  const begun = others.now()
  for (;;) {
    const pace = back.pace()
    const ms = others.now() - begun
    if (pace.kind !== 'wait' || ms >= mostMs) return { ms, kind: pace.kind }
    assert.ok(pace.ms > 0)
    others.pass(pace.ms)
  }
}

test('an index is made when others have had little to do for a second', () => {
  const others = new Others(0.05)
  const back = new StandingBack(others)
  assert.deepEqual(waited(back, others), { ms: 1_000, kind: 'whole' })
  others.pass(700)
  assert.ok(!back.disturbs)
  assert.deepEqual(waited(back, others), { ms: 0, kind: 'whole' })
})

test('an index is not made while others are busy, and a piece that was begun is ended', () => {
  const others = new Others(0)
  const back = new StandingBack(others)
  assert.equal(waited(back, others).kind, 'whole')
  others.share = 0.9
  others.pass(500)
  assert.ok(back.disturbs)
  assert.deepEqual(waited(back, others, 30_000), { ms: 30_000, kind: 'wait' })
  others.share = 0
  const { ms, kind } = waited(back, others)
  assert.equal(kind, 'whole')
  assert.ok(ms >= 1_000 && ms <= 1_250, String(ms))
})

test('an index is made in small pieces with rests after a minute, however busy others are, until they are not', () => {
  const others = new Others(1)
  const back = new StandingBack(others)
  assert.deepEqual(waited(back, others), { ms: 60_000, kind: 'small' })
  for (let piece = 0; piece < 10; piece += 1) {
    others.pass(300)
    back.did(300)
    assert.deepEqual(waited(back, others), { ms: 1_200, kind: 'small' })
  }
  others.share = 0
  others.pass(300)
  back.did(300)
  assert.equal(waited(back, others).kind, 'whole')
  // once they are busy again, it waits another minute
  others.share = 1
  others.pass(500)
  assert.equal(waited(back, others, 59_000).kind, 'wait')
})

test('a time without work does not count', () => {
  const others = new Others(1)
  const back = new StandingBack(others)
  assert.equal(waited(back, others).kind, 'small')
  others.pass(600_000)
  back.begin()
  assert.deepEqual(waited(back, others), { ms: 60_000, kind: 'small' })
})

test('what helps the thread itself does not keep it from its work', () => {
  const others = new Others(0)
  const back = new StandingBack(others)
  assert.equal(waited(back, others).kind, 'whole')
  others.own = 0.8
  others.share = 0.15
  others.pass(2_000)
  assert.ok(!back.disturbs)
  others.own = 0.1
  others.share = 0.8
  others.pass(250)
  assert.ok(back.disturbs)
})

test('what is little to do counts by the cores that there are', () => {
  const others = new Others(0.35, 4)
  assert.deepEqual(waited(new StandingBack(others), others), { ms: 1_000, kind: 'whole' })
  const more = new Others(0.45, 4)
  assert.equal(waited(new StandingBack(more), more, 10_000).kind, 'wait')
})
