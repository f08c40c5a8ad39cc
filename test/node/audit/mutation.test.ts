/** Any byte of any file of an export that is changed is found, and the file is named, and no other. */
import { expect, test } from 'vitest'
import { bundleOf } from '../../../src/chain/block-bundle.ts'
import { chooseGenesis } from '../../../src/node/audit/genesis-choice.ts'
import { auditSources, MapSource } from './audit-fixture.ts'
import { genesis, MadeLedger } from './made-ledger.ts'

const keys = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)
const ledger = new MadeLedger()
for (let i = 0; i < 18; i++) ledger.add({ records: keys(`b${i}`, i === 0 ? 215 : 2) })
ledger.finish()

/** Bytes of each file, spread over it; `AUDIT_MUTATIONS=500` tries more. */
const perFile = Number(process.env.AUDIT_MUTATIONS ?? 4)

test('the ledger has bundles and loose blocks, full and partial tiles of two levels', () => {
  expect(bundleOf(ledger.height)).toBe(1)
  const paths = [...ledger.files.keys()]
  expect(paths).toEqual(
    expect.arrayContaining(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000', 'v1/block-bundles/000']),
  )
})

test.each([...ledger.files.keys()].map((path) => [path]))('%s', async (path) => {
  const bytes = ledger.files.get(path)!
  const count = Math.min(bytes.length, perFile)
  const missed: string[] = []
  for (let n = 0; n < count; n++) {
    const at = Math.floor(((n + 0.37) * bytes.length) / count)
    const changed = bytes.slice()
    changed[at]! ^= 1 << (n % 8)
    const files = await foundIn(new Map([...ledger.files, [path, changed]]))
    if (files.length === 0 || files.some((file) => file !== path)) missed.push(`at ${at}: ${files}`)
  }
  expect(missed).toEqual([])
})

/** The files in which something was found by an auditor who knows nothing beforehand. */
async function foundIn(files: ReadonlyMap<string, Uint8Array>): Promise<readonly string[]> {
  const source = new MapSource('export', files)
  const choice = await chooseGenesis([source], {})
  const found = choice.findings.map(({ file }) => file)
  // Another genesis than the one that everything in the export is about.
  if (choice.genesis?.ledger !== genesis.ledger) return found
  const { findings, verdict } = await auditSources([source])
  expect(verdict === 'good').toBe(findings.length === 0)
  return [...found, ...findings.map(({ file }) => file)]
}
