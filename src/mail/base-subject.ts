/** The base subject, by which SORT and THREAD group (RFC 5256 §2.1). @module */

/**
 * Takes `Re:`, `Fwd:`, `[list]`, `(fwd)` and the like off a decoded subject. Upper and lower case stay; compare folded.
 * One pass of offsets instead of the repeated matching of the RFC's text, so that a subject of brackets is no attack.
 */
export function baseSubject(subject: string): string {
  return withoutArtifacts(subject).base
}

/** Whether something of a reply or a forward is taken off: `Re:`, `Fwd:`, `(fwd)`, `[fwd: …]` (RFC 5256 §3 REFERENCES). */
export function isReplyOrForward(subject: string): boolean {
  return withoutArtifacts(subject).answers
}

function withoutArtifacts(subject: string): { readonly base: string; readonly answers: boolean } {
  let answers = false
  const text = subject.replace(/\s+/g, ' ')
  let start = 0
  let end = text.length
  for (;;) {
    const trailer = trailerStart(text, start, end)
    answers ||= text.slice(trailer, end).trim() !== ''
    end = trailer
    const leader = leaderEnd(text, start, end)
    start = leader.end
    answers ||= leader.answers
    // subj-fwd = subj-fwd-hdr subject subj-fwd-trl
    if (end - start < 6 || text[end - 1] !== ']' || text.slice(start, start + 5).toLowerCase() !== '[fwd:') break
    start += 5
    end -= 1
    answers = true
  }
  return { base: text.slice(start, end), answers }
}

// subj-trailer = "(fwd)" / WSP
function trailerStart(text: string, start: number, from: number): number {
  let end = from
  for (;;) {
    if (end > start && text[end - 1] === ' ') end -= 1
    else if (end - start >= 5 && text.slice(end - 5, end).toLowerCase() === '(fwd)') end -= 5
    else return end
  }
}

// subj-leader = (*subj-blob subj-refwd) / WSP, and a lone subj-blob where something is left behind it
function leaderEnd(text: string, from: number, end: number): { readonly end: number; readonly answers: boolean } {
  let start = from
  let answers = false
  for (;;) {
    if (start < end && text[start] === ' ') {
      start += 1
      continue
    }
    let afterBlobs = start
    let lastBlob = start
    for (let next = blobEnd(text, start, end); next !== undefined; next = blobEnd(text, afterBlobs, end)) {
      lastBlob = afterBlobs
      afterBlobs = next
    }
    const afterReply = replyEnd(text, afterBlobs, end)
    if (afterReply !== undefined) {
      start = afterReply
      answers = true
    } else if (afterBlobs < end && afterBlobs > start) start = afterBlobs
    else return { end: afterBlobs === start ? start : lastBlob, answers }
  }
}

// subj-blob = "[" *BLOBCHAR "]" *WSP
function blobEnd(text: string, start: number, end: number): number | undefined {
  if (text[start] !== '[') return undefined
  let at = start + 1
  while (at < end && text[at] !== '[' && text[at] !== ']') at += 1
  if (at >= end || text[at] !== ']') return undefined
  at += 1
  while (at < end && text[at] === ' ') at += 1
  return at
}

// subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
function replyEnd(text: string, start: number, end: number): number | undefined {
  const word = /^(?:re|fwd?)/i.exec(text.slice(start, start + 3))
  if (word === null) return undefined
  let at = start + word[0].length
  while (at < end && text[at] === ' ') at += 1
  at = blobEnd(text, at, end) ?? at
  return at < end && text[at] === ':' ? at + 1 : undefined
}
