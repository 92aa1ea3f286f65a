// Writes docs/configuration.md and docs/malle.sample.toml from the schema: `node scripts/config-docs.ts`.
// src/config/reference.test.ts fails while they differ from it.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { annotatedSample, configurationPage } from '#config/reference.ts'

const docs = path.join(import.meta.dirname, '..', 'docs')
writeFileSync(path.join(docs, 'configuration.md'), configurationPage())
writeFileSync(path.join(docs, 'malle.sample.toml'), annotatedSample())
