/** Files of a node and of a founding: what a disk, an editor or a mail program made of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { sha256 } from '#crypto'
import { CborError } from '../../../src/chain/cbor.ts'
import { buildGenesis, formatGenesisSignature, genesisSignatureMessage } from '../../../src/chain/genesis.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import {
  checkCard,
  formatCard,
  formatCharter,
  makeCard,
  newCharter,
  originOfCharter,
  readFoundingFile,
  signaturesIn,
} from '../../../src/node/cli/founding.ts'
import { loadSigningKey, newJwk } from '../../../src/node/cli/signing-key.ts'
import { parseConfiguration, parseSignatures } from '../../../src/node/configuration.ts'
import { encodeMarker, judgeMarker } from '../../../src/node/disk-marker.ts'
import { decodeHeadFile, decodeVoteFile, encodeHeadFile, encodeVoteFile } from '../../../src/node/durable-state.ts'
import { centreKey, governanceKey, newKeyFile, nodeKeys } from '../../../src/node/identity.ts'
import { needsPassphrase, readKeyFile, writeKeyFile } from '../../../src/node/key-file.ts'
import type { Random } from '../../../src/node/ports.ts'
import { encodeSlotCopy, judgeSlotFile, slotAreaBytes, slotPayloadBytesMax } from '../../../src/node/slot-file.ts'
import { founding, fourCities, keyOf } from '../../chain/catalogue/founded-ledger.ts'
import { SeededRandom } from '../../contract/virtual-clock.ts'
import { anyHeadFile, anyVoteFile } from '../../node/any-message.ts'
import { isDocumented } from '../codes.ts'
import { mutateBytes, mutateCbor, mutateJson } from '../mutation.ts'
import { accepted, bytesOf, hold, looseText, refusedOr, type Subject, sameBytes, textOf } from '../subject.ts'

const owner = { ledger: 'ab'.repeat(32), node: '0123456789abcdef' }
const chance = new SeededRandom(1)

/** A folder of this process, gone with it. */
let folder: string | undefined
function pathOf(name: string): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'gongzheng-fuzz-'))
    process.on('exit', () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  return join(folder, name)
}

export const voteFile: Subject = {
  name: 'vote-file',
  seeds: () => fc.sample(anyVoteFile, { numRuns: 8, seed: 1 }).map(encodeVoteFile),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () =>
      hold(sameBytes(encodeVoteFile(decodeVoteFile(input)), input), 'a vote file has one spelling'),
    ),
}

export const headFile: Subject = {
  name: 'head-file',
  seeds: () => fc.sample(anyHeadFile, { numRuns: 8, seed: 1 }).map(encodeHeadFile),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () =>
      hold(sameBytes(encodeHeadFile(decodeHeadFile(input)), inNewestVersion(input)), 'a head file has one spelling'),
    ),
}

/** Version 3 has the same fields. The version stands behind the head of the array. */
const inNewestVersion = (input: Uint8Array): Uint8Array => (input[1] === 3 ? input.with(1, 4) : input)

export const slotFile: Subject = {
  name: 'slot-file',
  share: 0.3,
  seeds: () => {
    const copy = (sequence: number): Uint8Array =>
      encodeSlotCopy('vote', owner, sequence, sequence === 0 ? new Uint8Array() : bytesOf('the vote'))
    return [
      [0, 0],
      [5, 5],
      [5, 6],
    ].map((sequences) => {
      const file = new Uint8Array(2 * slotAreaBytes)
      for (const [at, sequence] of sequences.entries()) file.set(copy(sequence), at * slotAreaBytes)
      return file
    })
  },
  mutate: mutateSlotFile,
  judge(input) {
    const { found, sequence } = judgeSlotFile(input, 'vote', owner)
    if (found.kind === 'damaged') return 'damaged'
    hold((found.kind === 'absent') === (sequence === 0), 'only the first sequence is none')
    hold(found.kind === 'absent' || found.bytes.length <= slotPayloadBytesMax, 'a payload within its bound')
    return accepted
  },
}

/** What means something is in the first bytes of each copy; the checksum is put right now and then, as only a bug of ours could. */
function mutateSlotFile(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array {
  if (draw.below(4) === 0) return mutateBytes(input, other, draw)
  const out = input.slice()
  for (const copy of draw.below(2) === 0 ? [0, 1] : [draw.below(2)]) {
    const area = out.subarray(copy * slotAreaBytes, copy * slotAreaBytes + 128)
    const mutated = mutateBytes(area.slice(), other.slice(0, 128), draw).subarray(0, 128)
    area.set(mutated)
    if (draw.below(2) === 0) {
      const length = Math.min(32, new DataView(area.buffer, area.byteOffset).getUint32(64))
      area.set(sha256(area.subarray(0, 80), area.subarray(96, 96 + length)).subarray(0, 16), 80)
    }
  }
  return out
}

export const marker: Subject = {
  name: 'disk-marker',
  seeds: () => [encodeMarker(owner)],
  mutate: mutateBytes,
  judge(input) {
    let found = ''
    const word = refusedOr(Refusal, isDocumented, () => (found = judgeMarker(input, owner, '/data')))
    hold((found === 'intact') === sameBytes(encodeMarker(owner), input), 'only the one marker is whole')
    return found === 'damaged' ? found : word
  },
}

export const keyFile: Subject = {
  name: 'key-file',
  seeds: () => {
    const seeds: Uint8Array[] = []
    for (const kind of ['node', 'centre', 'governance'] as const) {
      const file = newKeyFile(kind, 'gongzheng.example/00', chance)
      const path = pathOf(`seed-${kind}.json`)
      writeKeyFile(path, file, chance)
      seeds.push(bytesOf(JSON.stringify(JSON.parse(readText(path)))))
    }
    // As `writeKeyFile` with a passphrase makes it, but at a cost that a test can pay.
    const protection = {
      cipher: 'aes-256-gcm',
      derivation: 'scrypt',
      cost: 2,
      salt: 'A'.repeat(22),
      nonce: 'A'.repeat(16),
    }
    seeds.push(
      bytesOf(
        JSON.stringify({ version: 1, kind: 'node', origin: 'gongzheng.example/00', protection, seed: 'A'.repeat(64) }),
      ),
    )
    return seeds
  },
  mutate: mutateJson,
  judge(input) {
    const path = pathOf('key.json')
    writeFileSync(path, input, { mode: 0o600 })
    const isSealed = refusedOr(Refusal, isDocumented, () => needsPassphrase(path))
    // What costs much memory and time on purpose is asked without the passphrase, and so not derived.
    const cost = /"cost":\s*([^,}\s]*)/.exec(looseText(input))?.[1] ?? '0'
    const passphrase = Number(cost) <= 64 ? 'a passphrase' : undefined
    const read = refusedOr(Refusal, isDocumented, () => {
      for (const kind of ['node', 'centre', 'governance'] as const) {
        if (!looseText(input).includes(`"${kind}"`)) continue
        hold(readKeyFile(path, { kind, passphrase }).seed.length === 32, 'a seed has 32 bytes')
      }
    })
    // The sealed one has no right passphrase; that it is opened that far is what its seed shows.
    return read === 'identity.wrong-passphrase' && isSealed === accepted ? accepted : read
  },
}

export const jwk: Subject = {
  name: 'jwk',
  share: 0.5,
  seeds: () => [undefined, 'uscc:914403001922038216'].map((party) => bytesOf(newJwk(chance, party).text)),
  mutate: mutateJson,
  async judge(input) {
    const path = pathOf('jwk.json')
    writeFileSync(path, input, { mode: 0o600 })
    try {
      const { kid } = await loadSigningKey({ key: path })
      hold(kid.length === 44, 'a kid has 44 characters')
      return accepted
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      hold(isDocumented(error.code), `an undocumented code: ${error.code}`)
      return error.code
    }
  },
}

export const configuration: Subject = {
  name: 'configuration',
  seeds: () =>
    [
      {
        member: 'guangzhou',
        listen: ['/ip4/0.0.0.0/tcp/8450'],
        api: { host: '0.0.0.0', port: 8440 },
        private: { host: '127.0.0.1', port: 8460 },
        operations: { host: '::1', port: 9440 },
        peers: { wuhan: { addresses: ['/dns4/node.wuhan.example/tcp/8450'], dial: 'out' } },
        logLevel: 'warn',
      },
      { member: 'wuhan', listen: [], api: { host: 'localhost', port: 0 }, private: { socket: 'private.sock' } },
    ].map((each) => bytesOf(JSON.stringify(each))),
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const text = looseText(input)
      const read = parseConfiguration(text)
      const given = JSON.parse(text) as { peers?: object }
      hold(Object.keys(read.peers).length === Object.keys(given.peers ?? {}).length, 'every peer is read')
      hold(Object.getPrototypeOf(read.peers) === Object.prototype, 'peers is a plain object')
      hold(JSON.stringify(parseConfiguration(JSON.stringify(read))) === JSON.stringify(read), 'what is read reads back')
    }),
}

const genesis = buildGenesis(founding)
const signatures = fourCities.map(({ id }) =>
  formatGenesisSignature({
    ledger: genesis.ledger,
    member: id,
    signature: keyOf(`${id} governance`).sign(genesisSignatureMessage(genesis.ledger, id)),
  }),
)

export const signatureList: Subject = {
  name: 'genesis-signatures',
  share: 0.5,
  seeds: () => [bytesOf(`[${signatures.join(',')}]`), bytesOf('[]')],
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      for (const { ledger } of parseSignatures(looseText(input), genesis))
        hold(ledger === genesis.ledger, 'over this genesis')
    }),
}

/** Charter, card, genesis and signatures: whatever people hand each other, and what is done with it next. */
export const foundingFiles: Subject = {
  name: 'founding-file',
  share: 0.3,
  seeds: () =>
    [formatCharter(charter), formatCard(card), signatures[0]!, `[${signatures.join(',')}]`]
      .map(bytesOf)
      .concat(genesis.entry),
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const file = readFoundingFile('file.json', input)
      if (file.kind === 'charter')
        checkCard(file.charter, { ...card, name: file.charter.name, foundingId: file.charter.foundingId })
      if (file.kind === 'card')
        checkCard({ ...charter, name: file.card.name, foundingId: file.card.foundingId }, file.card)
      if (file.kind === 'signatures') signaturesIn(genesis, file.texts)
    }),
}
const charter = newCharter('gongzheng.example', { clock: { wall: () => 1_795_312_800_000 }, random: chance })
const keys = {
  node: nodeKeys(newKeyFile('node', originOfCharter(charter), chance)),
  centre: centreKey(newKeyFile('centre', originOfCharter(charter), chance)),
  governance: governanceKey(newKeyFile('governance', originOfCharter(charter), chance)),
}
const card = makeCard(charter, fourCities[0]!, keys)

const readText = (path: string): string => textOf(new Uint8Array(readFileSync(path)))!
