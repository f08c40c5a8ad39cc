/**
 * "No reply before its fsync", rules 14, 16, 25 and 29: when a client is told of a record or a refusal, it is attested and stands at that very
 * index of that very process; when it is given a receipt, the journal on the disk holds the statement, or the ledger has answered already.
 */

import { decodeCbor, field } from '../../../src/chain/cbor.ts'
import { parseEntry } from '../../../src/chain/entry.ts'
import { journalKey } from '../../../src/node/store-rows.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Answer, Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'
import { evidenceOf } from './evidence.ts'

const name = 'answers-are-true'

export function answersAreTrue(world: World): Watch {
  const evidence = evidenceOf(world)
  /** What the chain has at each index: a record, or why a member's statement was refused. */
  const outcomes = new Map<number, string>()

  const isJournalled = ({ member, medium, replica }: NodeProcess, statement: string): boolean => {
    const { store } = replica
    const pending = replica.pending(statement)
    if (pending === undefined)
      return store.indexOfStatement(statement) !== undefined || store.indexOfRefusal(statement, member) !== undefined
    const row = medium.get(journalKey(pending.journalNumber))
    if (row === undefined) return false
    const entry = parseEntry(field.bytes(field.array(decodeCbor(row), 'journal row')[2], 'entry'))
    return world.statementId(entry.statement) === statement
  }

  const isTrue = (process: NodeProcess, answer: Answer): boolean => {
    const { store, attested } = process.replica
    const { statement, member } = answer
    switch (answer.kind) {
      case 'record':
        return (
          (attested?.size ?? 0) > answer.index &&
          store.indexOfStatement(statement) === answer.index &&
          outcomes.get(answer.index) === statement
        )
      case 'refusal':
        return (
          (attested?.size ?? 0) > answer.index &&
          store.indexOfRefusal(statement, member) === answer.index &&
          outcomes.get(answer.index) === `${statement} ${member} ${answer.code}`
        )
      case 'receipt':
        return isJournalled(process, statement)
      case 'read':
        return answer.index === undefined || outcomes.get(answer.index) === statement
      case 'rejected':
        return true
    }
  }

  return {
    ...alongTheChain(({ block: { batches }, execution }) => {
      execution.leaves.forEach(({ kind, statement }, i) => {
        if (kind === 'record') outcomes.set(execution.firstIndex + i, statement!.id)
      })
      execution.outcomes?.forEach((results, b) => {
        const { member, items } = batches[b]!
        results.forEach((outcome, i) => {
          if (outcome.kind !== 'refused' || outcome.index === undefined) return
          const { statement } = parseEntry(items[i]!.entry)
          outcomes.set(outcome.index, `${world.statementId(statement)} ${member} ${outcome.code}`)
        })
      })
    }),
    answered(answer) {
      const { process, isDamaged } = world.machine(answer.member)
      if (process === undefined || isDamaged || !evidence.isBound(answer.member)) return
      if (!isTrue(process, answer)) world.violated(name, `not true when it was said: ${JSON.stringify(answer)}`)
    },
  }
}
