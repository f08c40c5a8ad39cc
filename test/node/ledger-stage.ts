/**
 * Four members in one process, with real signatures, and one of them served over HTTP as a node is: what a command line, an auditor or a
 * court meets. On the ledger: a company whose key one centre registered, what it attested, and whatever a test adds.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { buildPublicServer } from '../../src/api/server.ts'
import { utf8 } from '../../src/chain/bytes.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Replica } from '../../src/node/replica.ts'
import { ReplicaWorld } from './replica-world.ts'

export const company = 'uscc:91350100M000100Y43'
export const companyName = '华南建设集团有限公司'
export const documentBytes = Buffer.from('开标记录（正本）\n报价：1794.5831 万元\n'.repeat(20))
export const documentName = '开标记录.txt'

export function keyOf(name: string) {
  const seed = sha256(utf8(name))
  const tagged = taggedEd25519(ed25519PublicKey(seed))
  return { tagged, kid: kidOf(tagged), sign: (message: Uint8Array) => ed25519Sign(seed, message) }
}

export class LedgerStage implements AsyncDisposable {
  readonly world: ReplicaWorld
  readonly key = keyOf('company')
  readonly #apps: FastifyInstance[] = []
  #keys = 0
  #through = 'beijing'

  constructor(memberCount = 4, options: ConstructorParameters<typeof ReplicaWorld>[1] = {}) {
    this.world = new ReplicaWorld(memberCount, options)
    this.world.startAll()
    this.world.electLeader()
  }

  get genesis() {
    return this.world.genesis
  }

  /** Registers the company's key with the word of these members' centres. */
  register(...members: readonly string[]): void {
    this.#through = members[0]!
    const { ledger } = this.genesis
    const fields = { party: company, name: companyName, roles: ['tenderee'], notAfter: '2099-01-01T00:00:00+08:00' }
    const request = signStatement({ ledger, type: 'party.key-request@2', ...fields }, this.key)
    for (const member of members)
      this.take(member, this.world.centreStatement(member, 'party.register@2', `reg ${member}`, { request }))
  }

  /** A hash attested by the company through the member that registered it; its statement id. */
  attest(
    hash: JsonObject = { algorithm: 'sha256', value: createHash('sha256').update(documentBytes).digest('hex') },
  ): string {
    const source = {
      system: '电子招标投标交易平台',
      operator: 'role:开标员',
      method: '系统自动生成',
      software: '交易平台 5.2',
      occurredAt: formatTime(1_800_000_000_000),
    }
    const { ledger } = this.genesis
    const fields = { subject: 'document', hash, mediaType: 'text/plain', source, title: '开标记录' }
    const key = `DATA-KEY-${++this.#keys}`
    const jws = signStatement({ ledger, type: 'attest.hash@1', party: company, key, ...fields }, this.key)
    this.take(this.#through, jws)
    return parseStatement(jws, ledger).id
  }

  /** Submits, and lets the members agree. */
  take(member: string, jws: string): void {
    const answer = this.world.submit(member, jws)
    this.world.settle()
    const { result } = answer
    if (result === undefined || result.kind === 'refused') throw new Error(`not taken: ${JSON.stringify(result)}`)
  }

  /** The URL under which this member answers; its node as it runs now. */
  async serve(id: string): Promise<string> {
    const { world } = this
    const node = world.replica(id)
    const { member } = world.member(id)
    const store = Object.create(node.store, {
      scan: {
        value: (...scan: Parameters<typeof node.store.scan>) => {
          node.store.scan(...scan)
          world.clock.advance(5) // the memory disk answers in virtual time
        },
      },
    }) as Replica['store']
    // Methods of the store that use its private fields need the store itself.
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(node.store))) {
      const value = (node.store as unknown as Record<string, unknown>)[name]
      if (typeof value === 'function' && name !== 'constructor' && name !== 'scan') {
        Object.defineProperty(store, name, { value: value.bind(node.store) })
      }
    }
    const replica = new Proxy(node, {
      get: (target, name) => {
        if (name === 'store') return store
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const service = new Queries(
      { rules: world.rules, member: id, node: member.node.id, version: 'test' },
      {
        clock: world.clock,
        signer: {
          publicKey: (purpose) => world.publicKey(id, purpose),
          sign: (purpose, message, done) => done(world.sign(id, purpose, message)),
        },
        replica,
        metrics: () => Promise.resolve(''),
      },
    )
    const app = await buildPublicServer({}, { service, onFailure: () => undefined })
    this.#apps.push(app)
    return app.listen({ port: 0, host: '127.0.0.1' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close()))
  }
}
