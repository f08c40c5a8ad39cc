/** What a node gives to one that catches up, where nothing was recorded for longer than anybody holds blocks on trust. */
import { expect, test } from 'vitest'
import { decodeBlock, refOfBlock } from '../../src/chain/block.ts'
import { certifiedBlock } from '../../src/chain/certificate.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { CatchUp, type CatchUpDependencies } from '../../src/node/catch-up.ts'
import { catchUpUnprovenMax } from '../../src/node/limits.ts'
import type { NodeMessage } from '../../src/node/wire.ts'
import { MadeLedger, rules } from './audit/made-ledger.ts'

/** All that answering asks of the rest of a node: its blocks, and what it knows of the end of its chain. */
function serving(made: MadeLedger, sent: NodeMessage[]): CatchUp {
  const tail = made.blocks.at(-1)!
  const ref = { term: term(tail.header.term), height: height(tail.header.height), id: tail.id }
  const dependencies: Partial<CatchUpDependencies> = {
    raft: { tail: ref, commit: ref.height, commitCertificate: undefined, lock: { block: ref } } as never,
    store: {
      block: (at: number) => made.blocks[at - 1],
      attestation: () => undefined,
      certificate: () => undefined,
    } as never,
    attestation: () => made.attestation,
    unacknowledged: () => 0,
    send: (_, message) => void sent.push(message),
  }
  return new CatchUp(dependencies as CatchUpDependencies)
}

test('every answer out of a run of empty terms ends in a block that the chain itself proves', () => {
  const made = new MadeLedger().add({ records: ['before'] })
  for (let i = 0; i < catchUpUnprovenMax + 500; i++) made.lead((i + 1) % 4)
  const sent: NodeMessage[] = []
  const node = serving(made, sent)
  for (let from = 3; from <= made.height; ) {
    node.serve('wuhan', height(from))
    const answer = sent.at(-1)!
    if (answer.kind !== 'blocks-response') throw new Error(answer.kind)
    const blocks = answer.blocks.map((bytes) => decodeBlock(bytes, rules.context))
    const last = blocks.at(-1)!
    from = last.header.height + 1
    if (from > made.height) break
    expect(answer.certificate?.signed.kind).toBe('lock')
    expect(certifiedBlock(answer.certificate!)).toEqual(refOfBlock(last))
    expect(blocks.length).toBeLessThan(catchUpUnprovenMax)
  }
  expect(sent.length).toBeGreaterThan(1)
})
