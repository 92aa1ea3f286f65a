/** Lines that are too long for the verifiers, which join the pieces of a line again and again. @module */
import { MAX_LINE_BYTES } from './limits.ts'

/** Such a line came by. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
}

/** The same octets; ends with {@link LineTooLong} where a line is longer than anything that mail programs write. */
export async function* withoutLongLines(octets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let run = 0
  for await (const chunk of octets) {
    const first = chunk.indexOf(10)
    const whole = run + (first === -1 ? chunk.length : first)
    if (whole > MAX_LINE_BYTES) throw new LineTooLong('A line is too long')
    run = first === -1 ? whole : chunk.length - 1 - chunk.lastIndexOf(10)
    yield chunk
  }
}
