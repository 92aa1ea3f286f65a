/** The little XML that settings of mail programs are written in. @module */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
const NAMED: ReadonlyMap<string, string> = new Map(Object.entries(ENTITIES).map(([char, entity]) => [entity, char]))

/** Text for an element or an attribute; what XML cannot hold at all is left out (XML 1.0 §2.2). */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)
}

/** An element with one text. */
export function textElement(name: string, text: string | number): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`
}

/** The text of the first element of that name, whatever its prefix; `undefined`: there is none. No XML is judged. */
export function firstText(xml: string, name: string): string | undefined {
  const text = new RegExp(`<(?:[\\w.-]{1,64}:)?${name}\\s*>([^<]{0,512})</`, 'i').exec(xml)?.[1]
  return text?.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => NAMED.get(entity) ?? entity).trim()
}
