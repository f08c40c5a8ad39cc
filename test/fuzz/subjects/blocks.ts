/** What stands in the chain: batches, blocks, certificates, entries, the genesis and the signatures over it. */
import fc from 'fast-check'
import { assembleBatch, batchBytesMax, batchItemsMax, decodeBatch } from '../../../src/chain/batch.ts'
import {
  assembleBlock,
  attestationFromCbor,
  attestationToCbor,
  batchesDigest,
  blockId,
  blockSealMessage,
  carriedDigest,
  decodeBlock,
} from '../../../src/chain/block.ts'
import { toHex } from '../../../src/chain/bytes.ts'
import { CborError, decodeCbor, encodeCbor } from '../../../src/chain/cbor.ts'
import { certificateFromCbor, certificateToCbor, signableMessage } from '../../../src/chain/certificate.ts'
import { encodeEntry, parseEntry } from '../../../src/chain/entry.ts'
import { foundingEpoch } from '../../../src/chain/epoch.ts'
import {
  buildGenesis,
  formatGenesisSignature,
  genesisSignatureMessage,
  parseGenesis,
  verifyGenesisSignature,
} from '../../../src/chain/genesis.ts'
import { refoundedEpoch } from '../../../src/chain/next-members.ts'
import { height, term } from '../../../src/chain/numbers.ts'
import { assembleRefounding, decodeRefounding } from '../../../src/chain/refounding.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import { timeMax } from '../../../src/chain/time.ts'
import { founding, fourCities, keyOf } from '../../chain/catalogue/founded-ledger.ts'
import {
  anyAttestation,
  anyBatch,
  anyCarried,
  anyCertificate,
  anyElection,
  bytes64,
  genesis,
  rules,
  statement,
} from '../../chain/ledger-fixture.ts'
import { isDocumented } from '../codes.ts'
import { mutateBytes, mutateCbor, mutateJson } from '../mutation.ts'
import { bytesOf, hold, looseText, refusedOr, type Subject, sameBytes } from '../subject.ts'

const { context } = rules
const sample = <Value>(values: fc.Arbitrary<Value>, count: number): Value[] =>
  fc.sample(values, { numRuns: count, seed: 1 })

export const batch: Subject = {
  name: 'batch',
  seeds: () => sample(anyBatch, 12).map(({ bytes }) => bytes),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const read = decodeBatch(input, context)
      hold(
        read.items.length > 0 && read.items.length <= batchItemsMax && input.length <= batchBytesMax,
        'within its bounds',
      )
      hold(
        sameBytes(assembleBatch(read, read.items, read.message, read.signature).bytes, input),
        'a batch has one spelling',
      )
    }),
}

export const block: Subject = {
  name: 'block',
  seeds: () =>
    sample(fc.tuple(anyCarried, fc.array(anyBatch, { maxLength: 3 }), bytes64), 12).map(
      ([carried, batches, seal], at) => {
        const header = {
          epoch: 0,
          term: term(at),
          height: height(at),
          parent: 'ab'.repeat(32),
          time: at * 1_000,
          leader: 'wuhan',
          batches: batchesDigest(batches),
          carried: carriedDigest(carried),
          size: at,
          root: 'cd'.repeat(32),
        }
        return assembleBlock(header, seal, carried, batches).bytes
      },
    ),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const read = decodeBlock(input, context)
      const { id, header, seal, carried, batches } = read
      hold(sameBytes(assembleBlock(header, seal, carried, batches).bytes, input), 'a block has one spelling')
      hold(id === blockId(header) && header.batches === batchesDigest(batches), 'the header names what is in it')
      hold(header.carried === carriedDigest(carried) && header.time <= timeMax, 'the header names what it carries')
      hold(blockSealMessage(context, header).length > 0, 'what was sealed can be spelled')
    }),
}

export const certificate: Subject = {
  name: 'certificate',
  seeds: () => sample(fc.oneof(anyElection, anyCertificate), 12).map((each) => encodeCbor(certificateToCbor(each))),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const read = certificateFromCbor(decodeCbor(input), 'certificate')
      hold(sameBytes(encodeCbor(certificateToCbor(read)), input), 'a certificate has one spelling')
      hold(new Set(read.signatures.map(({ member }) => member)).size === read.signatures.length, 'members are distinct')
      hold(signableMessage(context, read.signed).length > 0, 'what was signed can be spelled')
    }),
}

export const attestation: Subject = {
  name: 'attestation',
  seeds: () => sample(anyAttestation, 8).map((each) => encodeCbor(attestationToCbor(each))),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const read = attestationFromCbor(decodeCbor(input), 'attestation')
      hold(sameBytes(encodeCbor(attestationToCbor(read)), input), 'an attestation has one spelling')
      for (const { time } of read.cosignatures) hold(!Number.isNaN(new Date(time * 1000).getTime()), `a time: ${time}`)
    }),
}

/** As a node's own row, or a liar's batch, may hold it. */
/** The certificate of a re-founding: its form here; whether it holds is asked of it afterwards, and may be refused by name. */
export const refounding: Subject = {
  name: 'refounding',
  seeds() {
    const signatures = genesis.members.map(({ id }, i) => ({ member: id, signature: new Uint8Array(64).fill(i) }))
    const start = { block: { term: term(1), height: height(2), id: 'ab'.repeat(32) }, size: 3, root: 'cd'.repeat(32) }
    const terms = { ledger: genesis.ledger, epoch: 1, start, members: genesis.members }
    return sample(anyAttestation, 6).map((shown) => assembleRefounding(terms, shown, signatures).bytes)
  },
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const read = decodeRefounding(input)
      hold(sameBytes(assembleRefounding(read, read.attestation, read.signatures).bytes, input), 'one spelling')
      try {
        refoundedEpoch(foundingEpoch(genesis), read, genesis)
        hold(false, 'nobody signed it')
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        hold(isDocumented(error.code), `an undocumented code: ${error.code}`)
      }
    }),
}

export const entry: Subject = {
  name: 'entry',
  seeds: () =>
    ['k1', 'k2'].map((key, at) =>
      encodeEntry({ member: 'wuhan', receivedAt: at * 1_795_312_800_123, statement: statement(key) }),
    ),
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(
      Refusal,
      (code) => code === 'entry.malformed',
      () => {
        hold(sameBytes(encodeEntry(parseEntry(input)), input), 'an entry has one spelling')
      },
    ),
}

export const genesisEntry: Subject = {
  name: 'genesis',
  share: 0.2,
  seeds: () => [genesis.entry, cities.entry],
  mutate: (input, other, draw) =>
    draw.below(2) === 0 ? mutateJson(input, other, draw) : mutateBytes(input, other, draw),
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const read = parseGenesis(input)
      hold(sameBytes(buildGenesis(read).entry, input), 'a genesis has one spelling')
      hold(read.quorum <= read.members.length && read.ledger.length === 64, 'what follows from it holds')
    }),
}

const cities = buildGenesis(founding)

export const genesisSignature: Subject = {
  name: 'genesis-signature',
  seeds: () =>
    fourCities.map(({ id }) => {
      const { ledger } = cities
      const signature = keyOf(`${id} governance`).sign(genesisSignatureMessage(ledger, id))
      return bytesOf(formatGenesisSignature({ ledger, member: id, signature }))
    }),
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const { ledger, signature } = verifyGenesisSignature(cities, looseText(input))
      hold(ledger === cities.ledger && toHex(signature).length === 128, 'it is over this genesis')
    }),
}
