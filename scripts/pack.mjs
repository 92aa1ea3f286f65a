// Makes the published form in `dist/`: TypeScript stripped to JavaScript, with declarations; `npm pack` takes it.
//   node scripts/pack.mjs            fills dist/
//   node scripts/pack.mjs --tarball  and makes the tarball, printing its path
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const stage = path.join(root, 'dist', 'package')
rmSync(path.join(root, 'dist'), { recursive: true, force: true })
mkdirSync(stage, { recursive: true })

/** Imports of the tree name `.ts` files; published ones are `.js`. */
const published = (code) => code.replace(/((?:from|import)\s*\(?\s*'[.#][^']*)\.ts'/g, "$1.js'")

const NOT_SHIPPED = /\.(?:test|contract)\.ts$/
for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts') || NOT_SHIPPED.test(file) || file.startsWith(`testing${path.sep}`)) continue
  const target = path.join(stage, 'dist', file.replace(/\.ts$/, '.js'))
  mkdirSync(path.dirname(target), { recursive: true })
  const code = stripTypeScriptTypes(readFileSync(path.join(root, 'src', file), 'utf8'), { mode: 'strip' })
  writeFileSync(target, published(code))
}

const declarations = path.join(root, 'dist', 'declarations')
const options = { noEmit: false, emitDeclarationOnly: true, rootDir: path.join(root, 'src'), outDir: declarations }
const project = path.join(root, 'dist', 'tsconfig.json')
writeFileSync(
  project,
  JSON.stringify({
    extends: '../tsconfig.json',
    compilerOptions: options,
    include: ['../src'],
    exclude: ['../src/**/*.test.ts', '../src/**/*.contract.ts', '../src/testing'],
  }),
)
const tsc = spawnSync(path.join(root, 'node_modules', '.bin', 'tsc'), ['-p', project], { stdio: ['ignore', 2, 2] })
if (tsc.status !== 0) throw new Error(`tsc ended with ${tsc.status}`)
for (const file of readdirSync(declarations, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts') || /\.(?:test|contract)\.d\.ts$/.test(file) || file.startsWith(`testing${path.sep}`))
    continue
  writeFileSync(path.join(stage, 'dist', file), published(readFileSync(path.join(declarations, file), 'utf8')))
}

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
for (const key of ['private', 'scripts', 'devDependencies']) delete manifest[key]
manifest.imports = { '#*': './dist/*' }
for (const [name, target] of Object.entries(manifest.exports)) {
  const file = target.replace(/^\.\/src\/(.*)\.ts$/, './dist/$1')
  if (file !== target) manifest.exports[name] = { types: `${file}.d.ts`, default: `${file}.js` }
}
writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
for (const name of ['bin', 'README.md', 'README.fr.md', 'LICENSE', 'CHANGELOG.md']) {
  cpSync(path.join(root, name), path.join(stage, name), { recursive: true })
}

const npm = process.env.npm_execpath
const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]

// What it is made of, with hashes (CycloneDX); the same for the same lock file.
const asked = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only', '--loglevel=error']
const sbom = spawnSync(command, [...args, ...asked], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
})
if (sbom.status !== 0) throw new Error(`npm sbom ended with ${sbom.status}`)
const materials = JSON.parse(sbom.stdout)
delete materials.serialNumber
delete materials.metadata.timestamp
materials.metadata.component.name = manifest.name
writeFileSync(path.join(stage, 'sbom.cdx.json'), `${JSON.stringify(materials, undefined, 2)}\n`)

if (process.argv.includes('--tarball')) {
  const run = spawnSync(command, [...args, 'pack', '--loglevel=error', '--pack-destination', path.join(root, 'dist')], {
    cwd: stage,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (run.status !== 0) throw new Error(`npm pack ended with ${run.status}`)
  process.stdout.write(`${path.join(root, 'dist', run.stdout.trim().split('\n').at(-1) ?? '')}\n`)
}
