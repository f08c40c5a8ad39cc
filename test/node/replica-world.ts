/**
 * Whole nodes — the very `Replica` that runs in production — on the memory twins of all ports, under one virtual clock and one seed: the
 * seed of the whole-cluster simulator.
 */
import { ed25519Sign } from '#crypto'
import { catalogueOf, knownTypeNames } from '../../src/chain/catalogue/catalogue.ts'
import type { ChainRules } from '../../src/chain/execution.ts'
import { buildGenesis, defaultParameters, type Genesis, type GenesisMember } from '../../src/chain/genesis.ts'
import { kidOf } from '../../src/chain/keys.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { FileSigner } from '../../src/node/file-signer.ts'
import { centreKey, governanceKey, type KeyPair, newKeyFile, nodeIdOf, nodeKeys } from '../../src/node/identity.ts'
import type { IntakeResult } from '../../src/node/intake.ts'
import { type MemoryDisk, MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'
import { MemoryNetworkWorld } from '../../src/node/memory-network.ts'
import { MemoryVerifier } from '../../src/node/memory-verifier.ts'
import type { Log, LogFields } from '../../src/node/ports.ts'
import { Replica } from '../../src/node/replica.ts'
import { SeededRandom, VirtualClock } from '../contract/virtual-clock.ts'

const organisations = [
  ['beijing', '北京市公共资源交易中心', '110000', 'uscc:91110000802100433B'],
  ['guangzhou', '广州公共资源交易中心', '440100', 'uscc:914403001922038216'],
  ['hangzhou', '杭州市公共资源交易中心', '330100', 'uscc:91330100716105852F'],
  ['wuhan', '武汉市公共资源交易中心', '420100', 'uscc:9144030071526726XG'],
  ['xiamen', '厦门市公共资源交易中心', '350200', 'uscc:91440400192548256N'],
] as const

export interface WorldMember {
  readonly member: GenesisMember
  readonly medium: MemoryMedium
  readonly signer: FileSigner
  readonly centre: KeyPair
  replica: Replica | undefined
  disk: MemoryDisk | undefined
  fatal: string | undefined
}

export class ReplicaWorld {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetworkWorld
  readonly genesis: Genesis
  readonly rules: ChainRules
  readonly members = new Map<string, WorldMember>()
  readonly log: string[] = []

  constructor(memberCount: number, seed = 1) {
    this.random = new SeededRandom(seed)
    this.network = new MemoryNetworkWorld({}, { clock: this.clock, random: this.random })
    const foundingId = Buffer.from(this.random.bytes(16)).toString('hex')
    const name = 'ledger.test'
    const origin = `${name}/${foundingId}`
    const made = organisations.slice(0, memberCount).map(([id, title, region, party]) => {
      const keys = nodeKeys(newKeyFile('node', origin, this.random))
      const centre = centreKey(newKeyFile('centre', origin, this.random))
      const governance = governanceKey(newKeyFile('governance', origin, this.random))
      const member: GenesisMember = {
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
      }
      const signer = new FileSigner({ node: keys, centre }, { onFatal: (reason) => this.log.push(`signer ${reason}`) })
      return { member, signer, centre }
    })
    this.genesis = buildGenesis({
      name,
      foundingId,
      foundedAt: this.clock.wall(),
      members: made.map(({ member }) => member),
      parameters: defaultParameters(memberCount),
      catalogue: knownTypeNames,
    })
    const context = { ledger: this.genesis.ledger, epoch: 0 }
    this.rules = { context, genesis: this.genesis, catalogue: catalogueOf(this.genesis.catalogue) }
    for (const { member, signer, centre } of made) {
      this.members.set(member.id, {
        member,
        signer,
        centre,
        medium: new MemoryMedium(),
        replica: undefined,
        disk: undefined,
        fatal: undefined,
      })
    }
  }

  start(id: string): void {
    const held = this.members.get(id)!
    const disk = held.medium.open({
      defer: (callback) => void this.clock.after(1, callback),
      onFatal: (reason) => this.#fatal(held, reason),
    })
    held.disk = disk
    const replica = new Replica(
      { rules: this.rules, member: id, node: held.member.node.id },
      {
        clock: this.clock,
        random: this.random,
        network: this.network.node(id),
        disk,
        verifier: new MemoryVerifier({}, { clock: this.clock }),
        signer: {
          publicKey: (purpose) => held.signer.publicKey(purpose),
          // The file signer answers in a microtask; a virtual clock has none.
          sign: (purpose, message, done) => {
            const seed = seedOf(held.signer, purpose)
            this.clock.after(0, () => done(ed25519Sign(seed, message)))
          },
        },
        log: this.#logOf(id),
        onFatal: (reason) => this.#fatal(held, reason),
      },
    )
    held.replica = replica
    replica.start(() => this.log.push(`${id} started`))
  }

  startAll(): void {
    for (const id of this.members.keys()) this.start(id)
  }

  /** The process is gone; what had not reached the disk is lost. */
  kill(id: string, phases: PhaseCount = 0): void {
    const held = this.members.get(id)!
    this.network.node(id).stop()
    held.disk?.crash(phases)
    held.replica?.stop()
    held.replica = undefined
  }

  replica(id: string): Replica {
    return this.members.get(id)!.replica!
  }

  get running(): readonly Replica[] {
    return [...this.members.values()].flatMap(({ replica }) => (replica?.isStarted === true ? [replica] : []))
  }

  leader(): string | undefined {
    for (const [id, { replica }] of this.members)
      if (replica?.isStarted === true && replica.raft.role === 'leader') return id
    return undefined
  }

  /** An attestation of a document's hash, signed by the centre of that member. */
  statement(id: string, key: string, value = key): string {
    const { member, centre } = this.members.get(id)!
    const digest = Buffer.from(value.padEnd(32, '.').slice(0, 32)).toString('hex')
    return signStatement(
      {
        ledger: this.genesis.ledger,
        type: 'attest.hash@1',
        party: member.party,
        key,
        hash: { algorithm: 'sha256', value: digest },
        subject: 'document',
        mediaType: 'application/pdf',
        source: {
          system: 'test',
          operator: 'role:tester',
          method: 'generated',
          software: 'vitest',
          occurredAt: formatTime(this.clock.wall()),
        },
      },
      { tagged: centre.publicKey, sign: (message) => ed25519Sign(centre.seed, message) },
    )
  }

  submit(id: string, jws: string): { result: IntakeResult | undefined } {
    const answer: { result: IntakeResult | undefined } = { result: undefined }
    this.replica(id).submit(jws, (result) => {
      answer.result = result
    })
    return answer
  }

  #fatal(held: WorldMember, reason: string): void {
    held.fatal = reason
    this.log.push(`${held.member.id} FATAL ${reason}`)
  }

  #logOf(id: string): Log {
    const write = (event: string, fields?: LogFields): void => {
      this.log.push(`${this.clock.monotonic()} ${id} ${event} ${JSON.stringify(fields ?? {})}`)
    }
    return { debug: write, info: write, warn: write, error: write }
  }
}

function seedOf(signer: FileSigner, purpose: 'seal' | 'log' | 'cosign' | 'centre'): Uint8Array {
  return (signer as unknown as { keys: Record<string, KeyPair> }).keys[purpose]!.seed
}
