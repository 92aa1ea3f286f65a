/** Varints and latin1 "binary" strings, one char a byte. @module */

/** A Buffer over the same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Bytes as a binary string. */
export function binaryOf(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1')
}

/** A binary string as bytes. */
export function bytesOfBinary(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/**
 * Without ASCII white space at both ends. In binary strings `trim()` and `\s` are wrong: they take 0xA0, half of `à`;
 * and `/ +$/` is quadratic.
 */
export function trimBinary(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlankCode(text.charCodeAt(start))) start += 1
  while (end > start && isBlankCode(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** Without spaces and tabs at the end. */
export function trimBinaryEnd(text: string): string {
  let end = text.length
  while (end > 0 && isBlankCode(text.charCodeAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** Space, TAB, LF, VT, FF or CR. */
export function isBlankCode(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

/** Collects unsigned numbers of up to 53 bits and strings, seven bits a byte, lowest first. */
export class VarintWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256)
  #length = 0

  put(value: number): void {
    // a number of 53 bits has eight octets
    this.#reserve(8)
    let left = value
    while (left >= 128) {
      this.#bytes[this.#length++] = (left % 128) | 128
      left = Math.floor(left / 128)
    }
    this.#bytes[this.#length++] = left
  }

  /** A binary string with its length before it. */
  putText(text: string): void {
    this.put(text.length)
    this.#reserve(text.length)
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#length))
  }

  #reserve(octets: number): void {
    if (this.#length + octets <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#length + octets, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** Reads what {@link VarintWriter} wrote; running over the end is a fault. */
export class VarintReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new RangeError('Varints end too early')
      this.#at += 1
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }

  takeText(): string {
    const length = this.take()
    const text = bufferOf(this.#bytes).toString('latin1', this.#at, this.#at + length)
    if (text.length !== length) throw new RangeError('Varints end too early')
    this.#at += length
    return text
  }
}
