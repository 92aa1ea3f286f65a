/** How far a long command is: a bar with rate and time left on a terminal, a line now and then elsewhere. @module */
import { formatBytes, say } from './language.ts'

interface Progress {
  readonly taken: number
  readonly octets: number
  readonly of: number
  readonly ofOctets: number
}

const REDRAW_MS = 100
const PLAIN_MS = 10_000
const BAR = 24

/** On standard error, so that what a command prints stays apart. */
export class ProgressLine implements Disposable {
  readonly #terminal = process.stderr.isTTY
  readonly #began = performance.now()
  #shown = this.#terminal ? Number.NEGATIVE_INFINITY : this.#began
  #drawn = false

  show(progress: Progress): void {
    const now = performance.now()
    if (progress.of === 0 || now - this.#shown < (this.#terminal ? REDRAW_MS : PLAIN_MS)) return
    this.#shown = now
    const line = formatProgress(progress, (now - this.#began) / 1000)
    if (!this.#terminal) return void process.stderr.write(`${line}\n`)
    this.#drawn = true
    const part = progress.ofOctets === 0 ? 0 : Math.min(1, progress.octets / progress.ofOctets)
    const full = Math.round(part * BAR)
    process.stderr.write(`\r\u001b[K${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${line}`)
  }

  [Symbol.dispose](): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K')
  }
}

/** `120 / 3000 · 1.2 MB/s · 0:42 left` */
export function formatProgress({ taken, octets, of, ofOctets }: Progress, seconds: number): string {
  const rate = seconds > 0 ? octets / seconds : 0
  const parts = [`${taken} / ${of}`]
  if (rate > 0) {
    parts.push(`${formatBytes(Math.round(rate))}/s`)
    const left = Math.ceil(Math.max(0, ofOctets - octets) / rate)
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
    parts.push(say(`${clock} left`, `reste ${clock}`))
  }
  return parts.join(' · ')
}
