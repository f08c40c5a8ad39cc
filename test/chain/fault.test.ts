import { describe, expect, it } from 'vitest'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import {
  assembleBlock,
  type BlockHeader,
  batchesDigest,
  batchesPreimage,
  blockSealMessage,
  encodeHeader,
} from '../../src/chain/block.ts'
import { concat, toHex, utf8 } from '../../src/chain/bytes.ts'
import {
  type BlockRef,
  type Signable,
  type SigningContext,
  sealMessage,
  signableMessage,
} from '../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../src/chain/checkpoint.ts'
import { encodeEntry } from '../../src/chain/entry.ts'
import {
  type FaultProof,
  formatFault,
  isBelowLock,
  parseFault,
  placeOfSealed,
  proofOfInvalidSeal,
  type Sealed,
  verifyFault,
  wrongItemOf,
} from '../../src/chain/fault.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { inclusionPath, leafHash, rootOf, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'

const seed = sha256(utf8('the accused'))
const otherSeed = sha256(utf8('somebody else'))
const kid = kidOf(taggedEd25519(ed25519PublicKey(seed)))
const context: SigningContext = { ledger: 'ab'.repeat(32), epoch: 0 }
const ref = (t: number, h: number, name = 'a'): BlockRef => ({
  term: term(t),
  height: height(h),
  id: toHex(sha256(utf8(`${name} ${t} ${h}`))),
})
const sealed = (message: Uint8Array, by = seed): Sealed => ({ message, signature: ed25519Sign(by, message) })
const signed = (signable: Signable, inContext = context, by = seed): Sealed =>
  sealed(signableMessage(inContext, signable), by)
const pair = (first: Sealed, second: Sealed): FaultProof => ({ kid, form: 'sealed', first, second })
const vote = (t: number, candidate: string, base: BlockRef): Signable => ({
  kind: 'vote',
  term: term(t),
  candidate,
  base,
})
const header = (t: number, h: number, time: number): BlockHeader => ({
  epoch: 0,
  term: term(t),
  height: height(h),
  parent: ref(t, h - 1).id,
  time,
  leader: 'wuhan',
  batches: '00'.repeat(32),
  carried: '00'.repeat(32),
  size: 1,
  root: '00'.repeat(32),
})
const codeOf = (proof: FaultProof): string => {
  try {
    return verifyFault(parseFault(formatFault(proof))).kind
  } catch (error) {
    if (error instanceof VerificationError) return error.code
    throw error
  }
}

describe('two things under one seal key', () => {
  const base = ref(1, 5)
  const lock: Signable = { kind: 'lock', block: ref(2, 7) }
  const ack = (b: BlockRef, block: BlockRef): Signable => ({ kind: 'ack', base: b, block })
  const seal = (t: number, h: number, time: number): Sealed => sealed(blockSealMessage(context, header(t, h, time)))
  const batch = (number: number, name: string, incarnation = 1): Sealed =>
    sealed(
      batchMessage(context, { member: 'wuhan', incarnation, number, previous: '00'.repeat(32) }, [
        batchItem(utf8(name), false),
      ]),
    )

  it.each([
    ['two-votes', signed(vote(3, 'wuhan', base)), signed(vote(3, 'beijing', base))],
    ['two-votes', signed(vote(3, 'wuhan', base)), signed(vote(3, 'wuhan', ref(1, 6)))],
    ['two-acks', signed(ack(base, ref(3, 9))), signed(ack(base, ref(3, 9, 'b')))],
    ['two-seals', seal(3, 9, 1), seal(3, 9, 2)],
    ['two-batches', batch(4, 'x'), batch(4, 'y')],
    ['vote-below-lock', signed(lock), signed(vote(3, 'wuhan', ref(2, 6)))],
    ['vote-below-lock', signed(vote(9, 'wuhan', ref(1, 99))), signed(lock)],
    ['ack-below-lock', signed(lock), signed(ack(ref(2, 6), ref(3, 7)))],
  ])('%s convict the key', (kind, first, second) => {
    const fault = verifyFault(pair(first, second))
    expect(fault).toMatchObject({ kid, kind, ledger: context.ledger })
    expect(codeOf(pair(first, second))).toBe(kind)
  })

  it.each([
    ['the same vote twice', signed(vote(3, 'wuhan', base)), signed(vote(3, 'wuhan', base))],
    ['votes in two terms', signed(vote(3, 'wuhan', base)), signed(vote(4, 'beijing', base))],
    ['votes in two epochs', signed(vote(3, 'a', base)), signed(vote(3, 'b', base), { ...context, epoch: 1 })],
    [
      'votes on two ledgers',
      signed(vote(3, 'a', base)),
      signed(vote(3, 'b', base), { ...context, ledger: 'cd'.repeat(32) }),
    ],
    ['acknowledgements of two heights', signed(ack(base, ref(3, 9))), signed(ack(base, ref(3, 10)))],
    ['blocks of two terms at one height', seal(3, 9, 1), seal(4, 9, 2)],
    ['batches of two incarnations', batch(4, 'x', 1), batch(4, 'y', 2)],
    ['two locks', signed(lock), signed({ kind: 'lock', block: ref(2, 7, 'b') })],
    ['a lock and a vote on what is locked', signed(lock), signed(vote(3, 'wuhan', ref(2, 7)))],
    ['a lock and a vote in its own term', signed(lock), signed(vote(2, 'wuhan', ref(1, 6)))],
    ['a lock and a vote in an earlier term', signed(lock), signed(vote(1, 'wuhan', ref(0, 0)))],
    ['a lock and a higher acknowledgement', signed(lock), signed(ack(ref(2, 8), ref(3, 9)))],
    ['a vote and an acknowledgement', signed(vote(3, 'wuhan', base)), signed(ack(base, ref(3, 9)))],
  ])('%s convict nobody', (_, first, second) => {
    expect(codeOf(pair(first, second))).toBe('fault.no-contradiction')
    expect(codeOf(pair(second, first))).toBe('fault.no-contradiction')
  })

  it('convict nobody when one is signed by another key', () => {
    expect(codeOf(pair(signed(vote(3, 'a', base)), signed(vote(3, 'b', base), context, otherSeed)))).toBe(
      'fault.bad-signature',
    )
  })

  it('that are receipts, or nothing at all, are no proof', () => {
    const receipt = sealed(sealMessage('RECEIPT', context, [1]))
    expect(codeOf(pair(receipt, receipt))).toBe('fault.malformed')
    expect(codeOf(pair(sealed(utf8('gongzheng/VOTE\0')), sealed(new Uint8Array())))).toBe('fault.malformed')
    const body = sealMessage('VOTE', context, [3, 'wuhan'])
    expect(codeOf(pair(sealed(body), sealed(concat(body, Uint8Array.of(0)))))).toBe('fault.malformed')
  })
})

describe('two heads under one cosign key', () => {
  const tree = (names: readonly string[]) => {
    const frontier = new TreeFrontier()
    const nodes = new Map<string, Uint8Array>()
    for (const name of names)
      frontier.append(leafHash(utf8(name)), (level, at, hash) => nodes.set(`${level}/${at}`, hash))
    const read = (level: number, at: number): Uint8Array => nodes.get(`${level}/${at}`)!
    return { size: names.length, root: rootOf(names.length, read), read }
  }
  const honest = tree(['g', 'a', 'b', 'c', 'd'])
  const longer = tree(['g', 'a', 'b', 'c', 'd', 'e', 'f'])
  const forked = tree(['g', 'a', 'X', 'c', 'd', 'e', 'f'])
  const other = tree(['g', 'a', 'X', 'c', 'd'])
  const head = ({ size, root }: ReturnType<typeof tree>, time = 1, origin = 'gongzheng.example/00') => {
    const checkpoint = formatCheckpoint({ origin, size, root })
    return { checkpoint, timeSeconds: time, signature: ed25519Sign(seed, cosignatureMessage(time, checkpoint)) }
  }
  const shown = (of: ReturnType<typeof tree>, name: string, index: number) => ({
    leaf: leafHash(utf8(name)),
    path: inclusionPath(index, of.size, of.read),
  })
  const differ = { index: 2, first: shown(honest, 'b', 2), second: shown(forked, 'X', 2) }

  it('of one size with two roots convict', () => {
    const proof: FaultProof = { kid, form: 'heads', first: head(honest), second: head(other, 2) }
    expect(verifyFault(proof)).toMatchObject({ kind: 'two-heads', origin: 'gongzheng.example/00' })
    expect(codeOf(proof)).toBe('two-heads')
  })

  it('of two sizes convict only with the leaf in which they differ', () => {
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(forked) })).toBe('fault.no-contradiction')
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(forked), differ })).toBe('two-heads')
  })

  it('of one ledger that grew convict nobody, whatever is shown beside them', () => {
    const same = { index: 2, first: shown(honest, 'b', 2), second: shown(longer, 'b', 2) }
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(longer), differ: same })).toBe(
      'fault.no-contradiction',
    )
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(longer), differ })).toBe('inclusion.mismatch')
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(honest, 9) })).toBe('fault.no-contradiction')
    expect(codeOf({ kid, form: 'heads', first: head(honest), second: head(other, 1, 'other/00') })).toBe(
      'fault.no-contradiction',
    )
  })
})

describe('a batch that is wrong by its bytes alone', () => {
  const submitter = {
    tagged: taggedEd25519(ed25519PublicKey(otherSeed)),
    sign: (m: Uint8Array) => ed25519Sign(otherSeed, m),
  }
  const jws = signStatement(
    { ledger: context.ledger, type: 'attest.hash@1', party: 'uscc:91110000802100433B', key: 'k' },
    submitter,
  )
  const forged = `${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`
  const proofOf = (statement: string, member = 'wuhan'): Extract<FaultProof, { form: 'invalid' }> => {
    const items = [jws, statement].map((each) =>
      batchItem(encodeEntry({ statement: each, member, receivedAt: 1_790_000_000_000 }), each !== jws),
    )
    const message = batchMessage(
      context,
      { member: 'wuhan', incarnation: 1, number: 0, previous: '00'.repeat(32) },
      items,
    )
    return {
      kid,
      form: 'invalid',
      batch: sealed(message),
      items: items.map(({ leaf, promised }) => concat(leaf, Uint8Array.of(promised ? 1 : 0))),
      at: 1,
      entry: items[1]!.entry,
    }
  }

  it('convicts whoever signed it', () => {
    expect(codeOf(proofOf(forged))).toBe('invalid-batch')
    expect(codeOf(proofOf('not a statement'))).toBe('invalid-batch')
    expect(codeOf(proofOf(jws, 'beijing'))).toBe('invalid-batch')
  })

  it('convicts nobody when the entry is good, another, or not of the batch', () => {
    expect(codeOf({ ...proofOf(forged), at: 0, entry: proofOf(jws).entry })).toBe('fault.no-contradiction')
    expect(codeOf({ ...proofOf(jws), entry: proofOf(forged).entry })).toBe('fault.malformed')
    expect(codeOf({ ...proofOf(forged), items: proofOf(jws).items })).toBe('fault.malformed')
    expect(codeOf({ ...proofOf(forged), at: 2 })).toBe('fault.malformed')
    expect(codeOf({ ...proofOf(forged), batch: sealed(proofOf(forged).batch.message, otherSeed) })).toBe(
      'fault.bad-signature',
    )
  })
})

describe('a block with a batch that is wrong by its bytes alone', () => {
  const submitter = {
    tagged: taggedEd25519(ed25519PublicKey(otherSeed)),
    sign: (m: Uint8Array) => ed25519Sign(otherSeed, m),
  }
  const jws = signStatement(
    { ledger: context.ledger, type: 'attest.hash@1', party: 'uscc:91110000802100433B', key: 'k' },
    submitter,
  )
  const batchOf = (statement: string, number = 0) => {
    const items = [batchItem(encodeEntry({ statement, member: 'beijing', receivedAt: 1_790_000_000_000 }), true)]
    const place = { member: 'beijing', incarnation: 1, number, previous: '00'.repeat(32) }
    return assembleBatch(place, items, batchMessage(context, place, items), new Uint8Array(64).fill(7))
  }
  const blockOf = (batches: readonly Batch[]) => {
    const head = { ...header(3, 9, 1), batches: batchesDigest(batches) }
    return assembleBlock(head, sealed(blockSealMessage(context, head)).signature, {}, batches)
  }
  const good = batchOf(jws)
  const bad = batchOf(`${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`, 1)
  const block = blockOf([good, bad])
  type InvalidBlock = Extract<FaultProof, { form: 'invalid-block' }>
  const proof = proofOfInvalidSeal(kid, block, bad, wrongItemOf(bad, context.ledger)!, context.ledger) as InvalidBlock
  const ackOfBlock = (id = block.id): Sealed =>
    signed({ kind: 'ack', base: ref(1, 5), block: { term: term(3), height: height(9), id } })

  it('convicts whoever sealed it, and whoever acknowledged it', () => {
    expect(codeOf(proof)).toBe('invalid-seal')
    expect(verifyFault(proof)).toMatchObject({ kid, ledger: context.ledger })
    expect(codeOf({ ...proof, signed: ackOfBlock() })).toBe('invalid-ack')
    expect(wrongItemOf(good, context.ledger)).toBeUndefined()
  })

  it('convicts nobody where one link does not lead to the next', () => {
    const fine = blockOf([good])
    const wrong = wrongItemOf(bad, context.ledger)!
    expect(codeOf(proofOfInvalidSeal(kid, fine, bad, wrong, context.ledger))).toBe('fault.malformed')
    expect(codeOf({ ...proof, signed: ackOfBlock(fine.id) })).toBe('fault.malformed')
    expect(codeOf({ ...proof, header: encodeHeader(fine.header) })).toBe('fault.malformed')
    expect(codeOf({ ...proof, batches: batchesPreimage([good]) })).toBe('fault.malformed')
    expect(codeOf({ ...proof, batch: good.message })).toBe('fault.malformed')
    expect(codeOf({ ...proof, entry: good.items[0]!.entry })).toBe('fault.malformed')
    expect(codeOf({ ...proof, signed: signed(vote(3, 'wuhan', ref(1, 5))) })).toBe('fault.malformed')
    const itemOfGood = { items: [concat(good.items[0]!.leaf, Uint8Array.of(1))], at: 0, entry: good.items[0]!.entry }
    expect(codeOf({ ...proof, batch: good.message, ...itemOfGood })).toBe('fault.no-contradiction')
    const by = sealed(proof.signed.message, otherSeed)
    expect(codeOf({ ...proof, signed: by })).toBe('fault.bad-signature')
  })
})

describe('the place of a message', () => {
  it('tells what may stand there once, and what forbids what', () => {
    const lock = placeOfSealed(signed({ kind: 'lock', block: ref(2, 7) }).message)!
    const low = placeOfSealed(signed(vote(3, 'wuhan', ref(2, 6))).message)!
    const high = placeOfSealed(signed(vote(3, 'beijing', ref(2, 7))).message)!
    expect(low.slot).toBe(high.slot)
    expect(lock.slot).toBeUndefined()
    expect(isBelowLock(lock.locked!, low.onBase!)).toBe(true)
    expect(isBelowLock(lock.locked!, high.onBase!)).toBe(false)
    expect(placeOfSealed(sealMessage('RECEIPT', context, [1]))).toBeUndefined()
    expect(placeOfSealed(sealMessage('VOTE', context, [1]))).toBeUndefined()
    expect(placeOfSealed(utf8('cosignature/v1'))).toBeUndefined()
    expect(placeOfSealed(blockSealMessage(context, header(3, 9, 1)))!.sealed).toEqual({ term: 3, height: 9 })
  })
})

describe('a fault proof as a file', () => {
  const base = ref(1, 5)
  const file = formatFault(pair(signed(vote(3, 'wuhan', base)), signed(vote(3, 'beijing', base))))

  it('reads back as it was written, as text or bytes', () => {
    expect(formatFault(parseFault(file))).toBe(file)
    expect(formatFault(parseFault(utf8(file)))).toBe(file)
  })

  it('with any byte changed proves nothing', () => {
    const bytes = utf8(file)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 1 << (at % 7)
      expect(() => verifyFault(parseFault(changed)), `byte ${at}`).toThrow(VerificationError)
    }
  })

  it('that is anything else is refused', () => {
    for (const text of [
      '',
      '{}',
      'null',
      '[]',
      file.trimEnd(),
      ` ${file}`,
      file.replace('@1', '@2'),
      '{"a":'.repeat(100),
    ]) {
      expect(() => parseFault(text), text.slice(0, 20)).toThrow(VerificationError)
    }
    expect(() => parseFault(new Uint8Array(300_000))).toThrow(VerificationError)
  })
})
