/** The text of HTML that comes in pieces: without tags, comments, script and style. For search and PREVIEW. @module */

/** Elements whose content is not text. `title` is, but repeats the subject: PREVIEW leaves it out. */
const HIDDEN = new Set(['script', 'style', 'noembed', 'noframes', 'template'])
/** Elements that stand within a line: the words around them may be one. */
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)
/** A tag or entity that is longer is dropped, or text: a bound for what is held back between pieces. */
const MAX_TAG = 65_536
const MAX_ENTITY = 32

/** Turns HTML into text. Never throws; linear. */
export class HtmlText {
  readonly #hidden: ReadonlySet<string>
  #held = ''
  /** The element whose end tag we wait for, as `</style`. */
  #until: string | undefined
  /** In a tag longer than {@link MAX_TAG}, or in a comment: all up to this is dropped. */
  #skipTo: '>' | '-->' | undefined

  constructor(options: { readonly withTitle: boolean } = { withTitle: true }) {
    this.#hidden = options.withTitle ? HIDDEN : new Set([...HIDDEN, 'title'])
  }

  push(html: string): string {
    return this.#read(this.#held + html, false)
  }

  end(): string {
    return this.#read(this.#held, true)
  }

  #read(html: string, last: boolean): string {
    let out = ''
    let at = 0
    this.#held = ''
    while (at < html.length) {
      if (this.#skipTo !== undefined || this.#until !== undefined) {
        const next = this.#skip(html, at)
        if (next === undefined) {
          if (!last) this.#held = html.slice(Math.max(at, html.length - 12))
          return out
        }
        at = next
        continue
      }
      const open = html.indexOf('<', at)
      const stop = open < 0 ? html.length : open
      if (stop > at) {
        const kept = open < 0 && !last ? cutEntity(html, at) : stop
        out += decodeEntities(html.slice(at, kept))
        if (kept < stop) {
          this.#held = html.slice(kept)
          return out
        }
        at = stop
        continue
      }
      const end = this.#tag(html, at, last)
      if (end === undefined) {
        this.#held = html.slice(at)
        return out
      }
      out += end.text
      at = end.next
    }
    return out
  }

  /** Looks for the end of what is dropped; `undefined` when it is not in this piece. */
  #skip(html: string, from: number): number | undefined {
    if (this.#skipTo !== undefined) {
      const end = html.indexOf(this.#skipTo, from)
      if (end < 0) return undefined
      const next = end + this.#skipTo.length
      this.#skipTo = undefined
      return next
    }
    const until = this.#until ?? ''
    for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
      if (html.slice(at, at + until.length).toLowerCase() === until) {
        this.#until = undefined
        return at
      }
    }
    return undefined
  }

  /** What stands at a `<`; `undefined` when its end is not in this piece. */
  #tag(html: string, at: number, last: boolean): { readonly text: string; readonly next: number } | undefined {
    const next = html[at + 1]
    if (next === undefined || (!last && '<!--'.startsWith(html.slice(at)))) {
      return last ? { text: '<', next: at + 1 } : undefined
    }
    if (!/[A-Za-z/!?]/.test(next)) return { text: '<', next: at + 1 }
    if (html.startsWith('<!--', at)) {
      this.#skipTo = '-->'
      // `<!-->` is a whole comment too
      return { text: '', next: at + 2 }
    }
    const end = tagEnd(html, at)
    if (end === undefined) {
      if (!last && html.length - at < MAX_TAG) return undefined
      this.#skipTo = '>'
      return { text: '', next: at + 1 }
    }
    const name = /^<(\/?)([A-Za-z][A-Za-z0-9]*)/.exec(html.slice(at, Math.min(end, at + 40)))
    const element = name?.[2]?.toLowerCase() ?? ''
    if (name?.[1] === '' && this.#hidden.has(element) && html[end - 2] !== '/') this.#until = `</${element}`
    return { text: INLINE.has(element) ? '' : '\n', next: end }
  }
}

/** The offset after the `>` that ends a tag, not fooled by one in a quoted attribute. */
function tagEnd(html: string, from: number): number | undefined {
  let quote = ''
  const most = Math.min(html.length, from + MAX_TAG)
  for (let at = from + 1; at < most; at += 1) {
    const char = html[at]
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '>') return at + 1
    else if ((char === '"' || char === "'") && html[at - 1] === '=') quote = char
  }
  // An unclosed quote must not swallow the rest of the mail.
  const plain = html.indexOf('>', from)
  return quote !== '' && plain >= 0 && html.length - from >= MAX_TAG ? plain + 1 : undefined
}

/** Where to cut text so that an entity stays whole. */
function cutEntity(html: string, from: number): number {
  const ampersand = html.lastIndexOf('&')
  if (ampersand < from || html.length - ampersand > MAX_ENTITY || html.includes(';', ampersand)) return html.length
  return ampersand
}

/** Named characters 160 to 255 of HTML, in their order. */
const LATIN =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'

const NAMED: ReadonlyMap<string, string> = new Map([
  ...LATIN.split(' ').map((name, i): [string, string] => [name, String.fromCharCode(160 + i)]),
  ...Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    OElig: 'Œ',
    oelig: 'œ',
    Scaron: 'Š',
    scaron: 'š',
    Yuml: 'Ÿ',
    fnof: 'ƒ',
    circ: 'ˆ',
    tilde: '˜',
    ensp: '\u2002',
    emsp: '\u2003',
    thinsp: '\u2009',
    zwnj: '\u200c',
    zwj: '\u200d',
    lrm: '\u200e',
    rlm: '\u200f',
    ndash: '–',
    mdash: '—',
    lsquo: '‘',
    rsquo: '’',
    sbquo: '‚',
    ldquo: '“',
    rdquo: '”',
    bdquo: '„',
    dagger: '†',
    Dagger: '‡',
    bull: '•',
    hellip: '…',
    permil: '‰',
    lsaquo: '‹',
    rsaquo: '›',
    euro: '€',
    trade: '™',
    larr: '←',
    uarr: '↑',
    rarr: '→',
    darr: '↓',
    harr: '↔',
    minus: '−',
    ne: '≠',
    le: '≤',
    ge: '≥',
    infin: '∞',
    check: '✓',
    star: '☆',
    hearts: '♥',
  }),
])

/** Character references in text become their characters; those that nobody knows stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));?/g,
    (whole, decimal, hex, name) => {
      if (typeof name === 'string') return NAMED.get(name) ?? whole
      const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16)
      const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
      // 128 to 159 mean Windows-1252 in HTML.
      if (code >= 128 && code <= 159) return new TextDecoder('windows-1252').decode(Uint8Array.of(code))
      return isCharacter ? String.fromCodePoint(code) : '\ufffd'
    },
  )
}
