/**
 * The test vectors of docs/protocol.md: one small ledger of four members with fixed keys and times, from its genesis to an attested record,
 * and every byte string that somebody who writes the protocol anew has to arrive at. Nothing random; Ed25519 is deterministic.
 */

import { ed25519Sign, sha256 } from '#crypto'
import { assert } from '../../src/chain/assert.ts'
import { assembleBatch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock, attestationToCbor, blockSealMessage, type Carried, refOfBlock } from '../../src/chain/block.ts'
import { toBase64, toHex, utf8 } from '../../src/chain/bytes.ts'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import { encodeCbor } from '../../src/chain/cbor.ts'
import {
  type Ack,
  type Certificate,
  certificateToCbor,
  type Lock,
  type Signable,
  signableMessage,
  type Vote,
} from '../../src/chain/certificate.ts'
import {
  cosignature,
  cosignatureMessage,
  cosignerVerifierKey,
  formatCheckpoint,
  logMessage,
  logSignature,
  logVerifierKey,
} from '../../src/chain/checkpoint.ts'
import { encodeEntry, encodeRefusalEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { genesisRef } from '../../src/chain/epoch.ts'
import { type ChainPoint, type ChainRules, execute, itemReader, type Proposal } from '../../src/chain/execution.ts'
import {
  buildGenesis,
  defaultParameters,
  genesisSignatureMessage,
  genesisState,
  nodeIdOf,
} from '../../src/chain/genesis.ts'
import { kidOf } from '../../src/chain/keys.ts'
import { inclusionPath, leafHash, nodeHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { formatNote, formatVerifierKey } from '../../src/chain/note.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { formatPolicy } from '../../src/chain/policy.ts'
import { formatProofFile } from '../../src/chain/proof-file.ts'
import { receiptMessage } from '../../src/chain/receipt.ts'
import { Overlay } from '../../src/chain/state.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { verifyProofFile } from '../../src/chain/verify.ts'
import { FrameWriter, frameType } from '../../src/node/framing.ts'
import { encodeHello } from '../../src/node/handshake.ts'
import { centreKey, governanceKey, type KeyPair, nodeKeys } from '../../src/node/identity.ts'
import { encodeMessage } from '../../src/node/wire.ts'

const foundingId = '000102030405060708090a0b0c0d0e0f'
const name = 'gongzheng.example'
const origin = `${name}/${foundingId}`
/** 2026-01-01T00:00:00Z */
const foundedAt = 1_767_225_600_000
const receivedAt = foundedAt + 60_000
const cosignedAt = foundedAt / 1000 + 61

const cities = [
  ['beijing', '北京市公共资源交易中心', '110000', 'uscc:91110000802100433B'],
  ['guangzhou', '广州公共资源交易中心', '440100', 'uscc:914403001922038216'],
  ['hangzhou', '杭州市公共资源交易中心', '330100', 'uscc:91330100716105852F'],
  ['wuhan', '武汉市公共资源交易中心', '420100', 'uscc:9144030071526726XG'],
] as const

/** The node seed of member i is 32 bytes of value 0x10 + i; centre 0x20 + i; governance 0x30 + i. */
const seedOf = (first: number, i: number): Uint8Array => new Uint8Array(32).fill(first + i)

export function protocolVectors(): unknown {
  const members = cities.map(([id, title, region, party], i) => {
    const keys = nodeKeys({ kind: 'node', origin, seed: seedOf(0x10, i) })
    const centre = centreKey({ kind: 'centre', origin, seed: seedOf(0x20, i) })
    const governance = governanceKey({ kind: 'governance', origin, seed: seedOf(0x30, i) })
    return { id, title, region, party, keys, centre, governance }
  })
  const [beijing, guangzhou, hangzhou] = members
  assert(beijing !== undefined && guangzhou !== undefined && hangzhou !== undefined, 'four members')
  const genesis = buildGenesis({
    name,
    foundingId,
    foundedAt,
    parameters: defaultParameters(members.length),
    catalogue: ['party.register@1', 'attest.hash@1'],
    members: members.map(({ id, title, region, party, keys, centre, governance }) => ({
      id,
      name: title,
      region,
      party,
      addresses: [],
      node: {
        id: nodeIdOf(keys.seal.publicKey),
        network: kidOf(keys.network.publicKey),
        log: kidOf(keys.log.publicKey),
        cosign: kidOf(keys.cosign.publicKey),
        seal: kidOf(keys.seal.publicKey),
      },
      centreKey: kidOf(centre.publicKey),
      governanceKey: kidOf(governance.publicKey),
    })),
  })
  const context = { ledger: genesis.ledger, epoch: 0 }
  const rules: ChainRules = { context, genesis, catalogue: catalogueOf(genesis.catalogue) }
  const sign = (key: KeyPair, message: Uint8Array): Uint8Array => ed25519Sign(key.seed, message)

  // The genesis as block 0 and the state it leads to.
  const genesisBlock = genesisRef(genesis)
  const state = new Overlay({ get: () => undefined })
  genesisState(genesis, state)
  const frontier = new TreeFrontier()
  const genesisLeaf = leafHash(genesis.entry)
  frontier.append(genesisLeaf)
  const start: ChainPoint = {
    block: genesisBlock,
    leader: '',
    time: foundedAt,
    frontier,
    root: toHex(frontier.root()),
    state,
    unattested: [],
  }

  // Beijing is elected in term 1 by beijing, guangzhou and hangzhou, and seals the empty first block.
  const voters = [beijing, guangzhou, hangzhou]
  const certificateOf = <S extends Signable>(signed: S): Certificate<S> => ({
    signed,
    signatures: voters.map(({ id, keys }) => ({
      member: id,
      signature: sign(keys.seal, signableMessage(context, signed)),
    })),
  })
  const vote: Vote = { kind: 'vote', term: term(1), candidate: 'beijing', base: genesisBlock }
  const election = certificateOf(vote)
  const seal = (parent: ChainPoint, proposal: Proposal) => {
    const execution = execute(parent, proposal, rules, itemReader(genesis.ledger))
    const message = blockSealMessage(context, execution.header)
    const signature = sign(beijing.keys.seal, message)
    const block = assembleBlock(execution.header, signature, proposal.carried, proposal.batches)
    return { execution, message, block, point: { ...execution.point, block: refOfBlock(block) } }
  }
  const propose = (time: number, carried: Carried, batches: Proposal['batches']): Proposal => ({
    term: term(1),
    time,
    leader: 'beijing',
    carried,
    batches,
  })
  const first = seal(start, propose(receivedAt - 1_000, { election }, []))

  // A statement of Guangzhou's centre, received by Guangzhou, in its first batch.
  const jws = signStatement(
    {
      ledger: genesis.ledger,
      type: 'attest.hash@1',
      party: guangzhou.party,
      key: 'notice-1',
      subject: 'document',
      hash: { algorithm: 'sha256', value: toHex(sha256(utf8('招标公告'))) },
      mediaType: 'text/plain',
      source: {
        system: '交易系统',
        operator: 'role:公告员',
        method: 'export',
        software: 'example 1.0',
        occurredAt: '2026-01-01T08:00:30+08:00',
      },
    },
    { tagged: guangzhou.centre.publicKey, sign: (message) => sign(guangzhou.centre, message) },
  )
  const statement = parseStatement(jws, genesis.ledger)
  const entry = encodeEntry({ member: 'guangzhou', receivedAt, statement: jws })
  const items = [batchItem(entry, true)]
  const batchHeader = { member: 'guangzhou', incarnation: 1, number: 0, previous: zeroDigestHex }
  const batchSigned = batchMessage(context, batchHeader, items)
  const batch = assembleBatch(batchHeader, items, batchSigned, sign(guangzhou.keys.seal, batchSigned))
  const receipt = {
    statement: statement.id,
    node: nodeIdOf(guangzhou.keys.seal.publicKey),
    receivedAt,
    attestedSize: 1,
    by: receivedAt + genesis.parameters.receivedWindowMs,
  }
  const receiptSigned = receiptMessage(context, receipt)
  const second = seal(first.point, propose(receivedAt + 5, {}, [batch]))
  const { header } = second.block
  const [outcome] = second.execution.outcomes[0]!
  assert(outcome?.kind === 'record', `the statement is a record: ${JSON.stringify(outcome)}`)
  const [systemLeaf, recordLeaf] = second.execution.leaves
  assert(systemLeaf !== undefined && recordLeaf !== undefined, 'a system entry and the record')

  const ack: Ack = { kind: 'ack', base: genesisBlock, block: refOfBlock(second.block) }
  const lock: Lock = { kind: 'lock', block: refOfBlock(second.block) }
  const qc = certificateOf(ack)
  const cc = certificateOf(lock)

  // Attested by the same three.
  const root = second.point.frontier.root()
  const checkpoint = formatCheckpoint({ origin, size: header.size, root })
  const cosigned = cosignatureMessage(cosignedAt, checkpoint)
  const cosignatures = voters.map(({ id, keys }) => ({
    member: id,
    time: cosignedAt,
    signature: sign(keys.cosign, cosigned),
  }))
  const attestation = { size: header.size, root: header.root, cosignatures }
  const logKey = (member: Member) => logVerifierKey(origin, member.keys.log.publicKey)
  const cosignKey = (member: Member) => cosignerVerifierKey(`${origin}/${member.id}`, member.keys.cosign.publicKey)
  const note = {
    text: checkpoint,
    signatures: [
      logSignature(logKey(beijing), sign(beijing.keys.log, logMessage(checkpoint))),
      ...voters.map((member, i) => cosignature(cosignKey(member), cosignedAt, cosignatures[i]!.signature)),
    ],
  }
  const leaves = [genesisLeaf, leafHash(systemLeaf.bytes), leafHash(recordLeaf.bytes)] as const
  const path = inclusionPath(2, header.size, (level, index) =>
    level === 0 ? leaves[index]! : nodeHash(leaves[2 * index]!, leaves[2 * index + 1]!),
  )
  const proofFile = formatProofFile({ index: 2, path, note })
  const policy = formatPolicy({
    logs: members.map((member) => ({ key: logKey(member) })),
    witnesses: members.map((member) => ({ name: member.id, key: cosignKey(member) })),
    groups: [{ name: 'members', threshold: genesis.quorum, members: members.map(({ id }) => id) }],
    quorum: 'members',
  })
  verifyProofFile({ policy, proofFile, entry })

  const refusal = encodeRefusalEntry({
    statement: statement.id,
    member: 'guangzhou',
    receivedAt,
    code: 'sealed.too-early',
  })
  const network = { protocolVersion: 1, ledger: genesis.ledger, genesis: genesis.ledger, member: 'beijing' }
  const hello = encodeHello({
    ...network,
    node: nodeIdOf(beijing.keys.seal.publicKey),
    session: new Uint8Array(16).fill(7),
    hasConnection: false,
  })
  const rank = { term: term(1), height: height(2) }
  return {
    keys: {
      ...Object.fromEntries(
        members.map(({ id, keys, centre, governance }, i) => [
          id,
          {
            nodeSeed: toHex(seedOf(0x10, i)),
            networkSeed: toHex(keys.network.seed),
            network: kidOf(keys.network.publicKey),
            log: kidOf(keys.log.publicKey),
            cosign: kidOf(keys.cosign.publicKey),
            seal: kidOf(keys.seal.publicKey),
            node: nodeIdOf(keys.seal.publicKey),
            centreSeed: toHex(seedOf(0x20, i)),
            centre: kidOf(centre.publicKey),
            governanceSeed: toHex(seedOf(0x30, i)),
            governance: kidOf(governance.publicKey),
          },
        ]),
      ),
    },
    genesis: {
      entry: new TextDecoder().decode(genesis.entry),
      ledger: genesis.ledger,
      fingerprint: genesis.fingerprint,
      origin,
      blockId: genesisBlock.id,
      root: start.root,
      signedByBeijing: toHex(genesisSignatureMessage(genesis.ledger, 'beijing')),
      signatureOfBeijing: toHex(sign(beijing.governance, genesisSignatureMessage(genesis.ledger, 'beijing'))),
    },
    vote: {
      signed: toHex(signableMessage(context, vote)),
      signatureOfBeijing: toHex(election.signatures[0]!.signature),
      certificate: toHex(encodeCbor(certificateToCbor(election))),
    },
    firstBlock: {
      signed: toHex(first.message),
      seal: toHex(first.block.seal),
      id: first.block.id,
      bytes: toHex(first.block.bytes),
    },
    statement: {
      jws,
      canonicalPayload: new TextDecoder().decode(statement.canonicalPayload),
      id: statement.id,
    },
    receipt: {
      signed: toHex(receiptSigned),
      signature: toBase64(sign(guangzhou.keys.seal, receiptSigned)),
    },
    entry: { text: new TextDecoder().decode(entry), leafHash: toHex(leafHash(entry)) },
    batch: {
      signed: toHex(batchSigned),
      hash: batch.hash,
      signature: toHex(batch.signature),
      bytes: toHex(batch.bytes),
    },
    secondBlock: {
      systemEntry: new TextDecoder().decode(systemLeaf.bytes),
      systemLeafHash: toHex(leaves[1]),
      signed: toHex(second.message),
      seal: toHex(second.block.seal),
      id: second.block.id,
      size: String(header.size),
      root: header.root,
      bytes: toHex(second.block.bytes),
    },
    ack: {
      signed: toHex(signableMessage(context, ack)),
      certificate: toHex(encodeCbor(certificateToCbor(qc))),
    },
    lock: {
      signed: toHex(signableMessage(context, lock)),
      certificate: toHex(encodeCbor(certificateToCbor(cc))),
    },
    attestation: {
      checkpoint,
      cosigned: new TextDecoder().decode(cosigned),
      logKeyOfBeijing: formatVerifierKey(logKey(beijing)),
      cosignKeyOfBeijing: formatVerifierKey(cosignKey(beijing)),
      note: formatNote(note),
      cbor: toHex(encodeCbor(attestationToCbor(attestation))),
      policy,
      proofFile,
    },
    refusal: { text: new TextDecoder().decode(refusal), leafHash: toHex(leafHash(refusal)) },
    messages: {
      heartbeat: toHex(
        encodeMessage({
          kind: 'heartbeat',
          term: term(1),
          lock: rank,
          commit: height(1),
          certified: height(2),
          round: 9,
        }),
      ),
      ack: toHex(encodeMessage({ ...ack, kind: 'ack', signature: qc.signatures[0]!.signature })),
      lock: toHex(encodeMessage({ ...lock, kind: 'lock', signature: cc.signatures[0]!.signature })),
      cosignature: toHex(
        encodeMessage({
          kind: 'cosignature',
          size: header.size,
          root: header.root,
          time: cosignedAt,
          signature: cosignatures[0]!.signature,
        }),
      ),
      hello: toHex(
        encodeMessage({
          kind: 'hello',
          incarnation: 1,
          nonce: new Uint8Array(16).fill(9),
          term: term(1),
          lock: rank,
          registeredSize: 3,
          epoch: 0,
          node: nodeIdOf(beijing.keys.seal.publicKey),
        }),
      ),
      blocksRequest: toHex(encodeMessage({ kind: 'blocks-request', from: height(1) })),
    },
    connection: {
      hello: toHex(hello),
      helloFrame: toHex(new FrameWriter().encode([{ type: frameType.hello, body: hello, from: 0, to: hello.length }])),
    },
  }
}

interface Member {
  readonly id: string
  readonly party: string
  readonly keys: ReturnType<typeof nodeKeys>
  readonly centre: KeyPair
  readonly governance: KeyPair
}
