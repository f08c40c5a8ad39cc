/** A founded ledger that takes in what an importer made, in the importer's order, and tells what became of each. */
import { catalogueOf, knownTypeNames } from '../../../../src/chain/catalogue/catalogue.ts'
import type { Finding } from '../../../../src/chain/catalogue/statement-type.ts'
import type { ImportItem } from '../../../../src/node/cli/import/item.ts'
import { inOrder } from '../../../../src/node/cli/import/submission.ts'
import { FoundedLedger, syntheticParty } from '../../../chain/catalogue/founded-ledger.ts'

export interface Taken {
  readonly ledger: FoundedLedger
  /** Source and code of what was refused. */
  readonly refused: readonly string[]
  readonly findings: readonly (Finding & { readonly source: string; readonly type: string })[]
}

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const platform = syntheticParty('440100', 60)
const key = base.register('importing platform', platform, ['trading-platform'], ['guangzhou', 'beijing'])

export function takeAll(items: readonly ImportItem[], blockTime: number): Taken {
  const ledger = base.fork()
  ledger.blockTime = blockTime
  const refused: string[] = []
  const findings: (Finding & { readonly source: string; readonly type: string })[] = []
  for (const wave of inOrder(items.filter((item) => item.kind === 'statement'))) {
    for (const { source, type, key: idempotencyKey, fields } of wave) {
      const statement = ledger.statement(type, platform, key, { ...fields, key: idempotencyKey })
      const code = ledger.submitForRefusal(statement)
      if (code !== undefined) refused.push(`${source} ${type}: ${code.code}: ${code.message}`)
      else for (const finding of ledger.findings.get(ledger.size - 1)!) findings.push({ ...finding, source, type })
    }
  }
  return { ledger, refused, findings }
}
