// A reporter for `node --test` that yields nothing but the final counts, as JSON.
export default async function* counts(source) {
  for await (const event of source) {
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue
    const { passed, failed, cancelled, skipped, todo } = event.data.counts
    yield JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo })
  }
}
