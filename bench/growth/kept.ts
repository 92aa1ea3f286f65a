/** Figures of earlier runs in a file of JSON. @module */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { Growth, Point } from './measures.ts'

interface Kept {
  readonly title: string
  readonly points: readonly { readonly size: number; readonly figures: Readonly<Record<string, number>> }[]
}

/** Joins what was measured now with what the file has of other sizes and measures, and writes it there. */
export async function withKept(file: string, growths: readonly Growth[]): Promise<readonly Growth[]> {
  const kept = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as readonly Kept[]) : []
  const joined = growths.map((growth) => ({
    ...growth,
    points: pointsOf(growth, kept.find(({ title }) => title === growth.title)?.points ?? []),
  }))
  const lines = joined.map(
    ({ title, points }): Kept => ({
      title,
      points: points.map(({ size, figures }) => ({ size, figures: Object.fromEntries(figures) })),
    }),
  )
  await writeFile(file, `${JSON.stringify(lines, undefined, 2)}\n`)
  return joined
}

function pointsOf({ measures, points }: Growth, kept: Kept['points']): readonly Point[] {
  const sizes = new Set([...kept, ...points].map(({ size }) => size))
  return Array.from(sizes)
    .sort((a, b) => a - b)
    .map((size) => {
      const before = Object.entries(kept.find((point) => point.size === size)?.figures ?? {})
      const now = points.find((point) => point.size === size)?.figures ?? []
      const known = before.filter(([name]) => measures.some((measure) => measure.name === name))
      return { size, figures: new Map([...known, ...now]) }
    })
}
