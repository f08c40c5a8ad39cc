/**
 * "An old ledger replays bit-identical under new code" (design.md section 6): a ledger of the first four record types, recorded at the
 * commit that its file names, before there was any other. Under today's code every statement in it has the same outcome, every block the
 * same leaves, size, root and id, and the state the same rows.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#crypto'
import { decodeBlock, refOfBlock } from '../../src/chain/block.ts'
import { fromBase64, toHex } from '../../src/chain/bytes.ts'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import { type CborValue, encodeCbor } from '../../src/chain/cbor.ts'
import { genesisRef } from '../../src/chain/epoch.ts'
import { type ChainPoint, type ChainRules, execute, itemReader, type Outcome } from '../../src/chain/execution.ts'
import { genesisState, parseGenesis } from '../../src/chain/genesis.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { Overlay } from '../../src/chain/state.ts'

interface Recording {
  /** The commit whose code ran. */
  readonly recordedAt: string
  readonly genesis: string
  readonly blocks: readonly {
    readonly block: string
    /** By batch, by item. */
    readonly outcomes: readonly (readonly string[])[]
    readonly leaves: readonly string[]
    readonly root: string
    /** SHA-256 over the rows that the block wrote, in order of their names. */
    readonly writes: string
  }[]
}

const recording: Recording = JSON.parse(readFileSync(new URL('first-edition-ledger.json', import.meta.url), 'utf8'))
const genesis = parseGenesis(fromBase64(recording.genesis)!)
const rules: ChainRules = {
  context: { ledger: genesis.ledger, epoch: 0 },
  genesis,
  catalogue: catalogueOf(genesis.catalogue),
}
const read = itemReader(genesis.ledger)

describe(`the ledger recorded at ${recording.recordedAt}`, () => {
  it('was founded with the first four types, and is refused with these codes among its records and duplicates', () => {
    expect(genesis.catalogue).toEqual(['party.register@1', 'attest.hash@1', 'bid.record@1', 'guarantee.submit@1'])
    const all = recording.blocks.flatMap(({ outcomes }) => outcomes.flat())
    const codes = new Set(all.flatMap((outcome) => /refused (\S+)/.exec(outcome)?.[1] ?? []))
    expect(codes.size).toBeGreaterThan(15)
    expect(all).toContain('party.register@2: refused type.unknown 31')
  })

  it('gives the same outcomes, leaves, roots, ids and rows', () => {
    let point = start()
    for (const { block: bytes, outcomes, leaves, root, writes } of recording.blocks) {
      const block = decodeBlock(fromBase64(bytes)!, rules.context)
      const { term, time, leader } = block.header
      const proposal = { term, time, leader, carried: block.carried, batches: block.batches }
      const execution = execute(point, proposal, rules, read)
      expect(
        execution.outcomes.map((batch, i) =>
          batch.map((outcome, j) => `${read(block.batches[i]!.items[j]!).statement.type}: ${told(outcome)}`),
        ),
      ).toEqual(outcomes)
      expect(execution.leaves.map(({ hash }) => toHex(hash))).toEqual(leaves)
      expect(execution.header).toEqual(block.header)
      expect(execution.header.root).toBe(root)
      expect(digestOf(execution.writes)).toBe(writes)
      point = { ...execution.point, block: refOfBlock(block) }
    }
    expect(point.block.height).toBe(recording.blocks.length)
  })
})

function start(): ChainPoint {
  const state = new Overlay({ get: () => undefined })
  genesisState(genesis, state)
  const frontier = new TreeFrontier()
  frontier.append(leafHash(genesis.entry))
  return {
    block: genesisRef(genesis),
    leader: '',
    time: genesis.foundedAt,
    frontier,
    root: toHex(frontier.root()),
    state,
    unattested: [],
  }
}

function told(outcome: Outcome): string {
  if (outcome.kind === 'record') return `record ${outcome.index}`
  if (outcome.kind === 'duplicate') return `duplicate of ${outcome.of}`
  if (outcome.kind === 'left-over') return outcome.kind
  return `refused ${outcome.code}${outcome.index === undefined ? '' : ` ${outcome.index}`}`
}

function digestOf(writes: ReadonlyMap<string, CborValue>): string {
  return toHex(sha256(encodeCbor([...writes].sort(([a], [b]) => (a < b ? -1 : 1)))))
}
