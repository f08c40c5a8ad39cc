/**
 * The order in which imported statements are submitted: by what they are about, each in the order of its own dates, so that a notice is on
 * the ledger before its result. Statements about different things do not wait for each other: they go in waves, and of one tender each
 * wave has one.
 */
import type { ImportedStatement } from './item.ts'

/** On one day a notice comes before its change, and that before an opening; the types' order in a tender's life. */
const stages = ['notice', 'amend', 'clarify', 'open', 'evaluate', 'candidates', 'award', 'contract'] as const

export function inOrder(statements: readonly ImportedStatement[]): readonly (readonly ImportedStatement[])[] {
  const sorted = statements
    .map((statement, at) => ({ statement, at }))
    .sort(
      (a, b) =>
        Date.parse(a.statement.publishedAt) - Date.parse(b.statement.publishedAt) ||
        stageOf(a.statement) - stageOf(b.statement) ||
        a.at - b.at,
    )
  const waves: ImportedStatement[][] = []
  const before = new Map<string, number>()
  for (const { statement } of sorted) {
    const wave = before.get(statement.about) ?? 0
    before.set(statement.about, wave + 1)
    waves[wave] ??= []
    waves[wave].push(statement)
  }
  return waves
}

function stageOf({ type }: ImportedStatement): number {
  const at = stages.findIndex((stage) => type.startsWith(`tender.${stage}@`))
  return at < 0 ? stages.length : at
}
