/** The evidence sees what it is there to see: on the published test vectors nothing, and each contradiction once a member's key makes one. */
import { describe, expect, it } from 'vitest'
import { ed25519Sign } from '#crypto'
import vectors from '../../docs/protocol-vectors.json' with { type: 'json' }
import { assembleBatch, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock, type Block, batchesDigest, blockSealMessage, decodeBlock } from '../../src/chain/block.ts'
import { fromHex, utf8 } from '../../src/chain/bytes.ts'
import { cosignature, cosignatureMessage, cosignerVerifierKey, formatCheckpoint } from '../../src/chain/checkpoint.ts'
import { parseGenesis } from '../../src/chain/genesis.ts'
import { formatNote, parseNote } from '../../src/chain/note.ts'
import { nodeKeys } from '../../src/node/identity.ts'
import { Evidence } from './evidence.ts'

const genesis = parseGenesis(utf8(vectors.genesis.entry))
const context = { ledger: genesis.ledger, epoch: 0 }
const first = decodeBlock(fromHex(vectors.firstBlock.bytes)!, context)
const second = decodeBlock(fromHex(vectors.secondBlock.bytes)!, context)
const { note } = vectors.attestation

type Member = keyof typeof vectors.keys
const keysOf = (member: Member) =>
  nodeKeys({ kind: 'node', origin: genesis.origin, seed: fromHex(vectors.keys[member].nodeSeed)! })

/** Another block by the same leader at the same place. */
function rival({ header, carried, batches }: Block): Block {
  const other = { ...header, time: header.time + 1 }
  const seal = ed25519Sign(keysOf(header.leader as Member).seal.seed, blockSealMessage(context, other))
  return assembleBlock(other, seal, carried, batches)
}

/** A checkpoint of this size with another root, cosigned by one member. */
function otherRoot(member: Member, size: number): string {
  const text = formatCheckpoint({ origin: genesis.origin, size, root: new Uint8Array(32).fill(7) })
  const { cosign } = keysOf(member)
  const time = 1_767_225_999
  const signature = ed25519Sign(cosign.seed, cosignatureMessage(time, text))
  const key = cosignerVerifierKey(`${genesis.origin}/${member}`, cosign.publicKey)
  return formatNote({ text, signatures: [cosignature(key, time, signature)] })
}

function evidence(): Evidence {
  const all = new Evidence(genesis)
  all.noteBlock(first)
  all.noteBlock(second)
  all.noteCheckpoint(note)
  return all
}

describe('evidence', () => {
  it('finds nothing where everybody was honest, however often it is shown', () => {
    const all = evidence()
    const { signatures } = all
    // Two seals, three votes, a batch, three cosignatures.
    expect(signatures).toBe(9)
    all.noteBlock(first)
    all.noteCheckpoint(note)
    expect(all.signatures).toBe(signatures)
    expect(all.contradictions).toEqual([])
    expect([...all.roots.keys()]).toEqual([3])
  })

  it('finds two SEALs at one place', () => {
    const all = evidence()
    all.noteBlock(rival(second))
    expect(all.contradictions).toEqual([expect.stringMatching(`^${second.header.leader}: two SEAL at 1.2$`)])
  })

  it('finds two BATCHes at one number', () => {
    const all = evidence()
    const [batch] = second.batches
    const { member, incarnation, number, previous } = batch!
    const header = { member, incarnation, number, previous }
    const message = batchMessage(context, header, [])
    const other = assembleBatch(header, [], message, ed25519Sign(keysOf(member as Member).seal.seed, message))
    // In a block of a later height, sealed as it should be: only the batch is a lie.
    const later = {
      ...second.header,
      height: (second.header.height + 1) as typeof second.header.height,
      batches: batchesDigest([other]),
    }
    const seal = ed25519Sign(keysOf(later.leader as Member).seal.seed, blockSealMessage(context, later))
    all.noteBlock(assembleBlock(later, seal, second.carried, [other]))
    expect(all.contradictions).toEqual([`${member}: two BATCH ${incarnation}/${number}`])
  })

  it('finds two roots for one size, by one key and by two', () => {
    const byOne = evidence()
    byOne.noteCheckpoint(otherRoot('beijing', 3))
    expect(byOne.contradictions).toContain('beijing: two roots for size 3')
    const cosigned = new Set(parseNote(note).signatures.map(({ name }) => name.split('/').at(-1)))
    const another = (Object.keys(vectors.keys) as Member[]).find((member) => !cosigned.has(member))!
    const byTwo = evidence()
    byTwo.noteCheckpoint(otherRoot(another, 3))
    expect(byTwo.contradictions).toEqual(['size 3 was cosigned with two roots'])
  })

  it('takes no signature on trust', () => {
    const all = evidence()
    const forged = rival(second)
    all.noteBlock({ ...forged, seal: second.seal.map((byte) => byte ^ 1) })
    expect(all.contradictions).toEqual([`SEAL of block 2: not signed by ${second.header.leader}`])
  })
})
