/**
 * A data directory as a node in use leaves it, and the three other members' disks beside it: a few hundred records of all kinds, several terms
 * and restarts, rows in tables of two levels and in the log, statements with a receipt that are not on the ledger yet. The same seed
 * makes the same files.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { utf8 } from '../../src/chain/bytes.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import type { MemoryMedium } from '../../src/node/memory-disk.ts'
import { syntheticParty } from '../chain/catalogue/founded-ledger.ts'
import { bidFields, type Opening } from '../chain/catalogue/opening-rows.ts'
import type { SignatureBook } from '../node/signature-book.ts'
import { others, real, StorageWorld } from './storage-world.ts'

export interface UsedDirectory {
  readonly directory: string
  readonly seed: number
  /** The other members' disks. */
  readonly media: ReadonlyMap<string, MemoryMedium>
  /** Virtual milliseconds at which all stopped. */
  readonly endedAt: number
  /** What was signed so far: nothing signed later may contradict it. */
  readonly signed: SignatureBook
  /** Attested roots by size. */
  readonly attested: ReadonlyMap<number, string>
  /** Every statement that is on the ledger, in no promised order. */
  readonly statements: readonly string[]
  /** Statements with a receipt of the member on real files that are in its journal only. */
  readonly pending: readonly string[]
  /** What the lists are asked for. */
  readonly named: { readonly owner: string; readonly tender: string; readonly region: string; readonly party: string }
}

/** The fewest in the last part: LevelDB merges tables by itself when many reads go through more than one. */
const recordsIn = { register: 60, tables: 60, 'more tables': 60, 'small table': 40, log: 7 }

export async function makeUsedDirectory(directory: string, seed: number): Promise<UsedDirectory> {
  await mkdir(directory, { recursive: true })
  const world = new StorageWorld({ directory, seed })
  const statements: string[] = []
  const owner = syntheticParty('420100', 7)
  const opening: Opening = {
    source: 'generated',
    code: 'N4201000000000000007',
    region: '420100',
    openingTime: '2026-03-16T09:30:00+08:00',
    rows: [],
  }
  const company = syntheticParty('420100', 8)
  let number = 0
  const submit = (id: string, jws: string): void => {
    statements.push(jws)
    world.submit(id, jws)
  }
  const next = (): string => `${seed} ${number++}`

  for (const id of others) world.start(id)
  await world.startReal()
  await world.settleReal('a beginning')
  for (const [part, records] of Object.entries(recordsIn)) {
    const request = keyRequest(world.genesis.ledger, company, part)
    for (const id of ['beijing', real])
      submit(id, world.centreStatement(id, 'party.register@1', `register ${part}`, { request }))
    await world.settleReal('keys are registered')
    for (let i = 0; i < records; i++) {
      const id = world.ids[number % 4]!
      const row = {
        seq: String(i + 1),
        uscc: syntheticParty('350500', number).slice('uscc:'.length),
        name: `投标人${number}有限公司`,
        receivedAt: '2026-03-13 11:57:26',
        decryptStatus: '解密成功' as const,
        decryptCmdAt: '2026-03-16 09:30:40',
        priceWanYuan: `${1000 + number}.5`,
        security: '电子保函',
      }
      if (i % 6 === 0) submit(id, world.centreStatement(id, 'bid.record@1', next(), bidFields(row, opening, owner)))
      else submit(id, world.statement(id, next()))
      // The same key with two statements at two members at once: one is a record, the other a refusal record.
      if (i % 20 === 7) {
        const key = next()
        for (const [n, at] of [id, world.ids[(number + 1) % 4]!].entries())
          submit(at, world.statement(id, key, `${key} ${n}`))
      }
      // The same statement at two members at once: the second is a duplicate.
      if (i % 20 === 13) {
        const twice = world.statement(id, next())
        for (const at of [id, world.ids[(number + 2) % 4]!]) submit(at, twice)
      }
      if (i % 9 === 8) await world.settleReal(`${part} ${i}`)
    }
    await world.settleReal(part)
    if (part === 'log') break
    // Another term, and what a restart leaves: LevelDB turns its log into a table when it opens.
    const leader = world.leader()!
    if (leader !== real) {
      world.kill(leader, 3)
      await world.passUntil(() => world.leader() !== undefined, 20_000)
      world.start(leader)
      await world.settleReal('a new leader')
    }
    await world.stopReal()
    if (part === 'tables') await compact(join(directory, 'rows'))
    await world.startReal()
    await world.settleReal('a restart')
  }
  await world.pass(2_000)
  // Cut off from everybody, this node gives receipts for what cannot get on the ledger yet.
  world.network.partition([[real], [...others]])
  const pending = Array.from({ length: 5 }, (_, i) => world.statement(real, `pending ${i}`))
  const answers = pending.map((jws) => world.submit(real, jws))
  await world.passUntil(() => answers.every(({ result }) => result?.kind === 'taken'), 5_000)
  await world.stopReal()
  for (const id of others) world.kill(id, 3)
  const faults = world.faults
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return {
    directory,
    seed,
    media: new Map(others.map((id) => [id, world.member(id).medium])),
    endedAt: world.clock.monotonic(),
    signed: world.signed,
    attested: world.attested,
    statements,
    pending,
    named: { owner, tender: opening.code, region: opening.region, party: company },
  }
}

/** Asked for again and again, for the same few hundred. */
const ids = new Map<string, string>()

export function statementIdOf(jws: string, ledger: string): string {
  const held = ids.get(jws) ?? parseStatement(jws, ledger).id
  ids.set(jws, held)
  return held
}

/** The kinds of LevelDB's files. */
export type LevelFileKind = 'log' | 'table' | 'manifest' | 'current'

export async function levelFiles(directory: string): Promise<ReadonlyMap<LevelFileKind, readonly string[]>> {
  const names = (await readdir(join(directory, 'rows'))).sort()
  const those = (pattern: RegExp): string[] => names.filter((name) => pattern.test(name)).map((name) => `rows/${name}`)
  return new Map([
    ['log', those(/^\d+\.log$/)],
    ['table', those(/^\d+\.ldb$/)],
    ['manifest', those(/^MANIFEST-/)],
    ['current', those(/^CURRENT$/)],
  ])
}

/** Merges all tables into one of a lower level. */
async function compact(path: string): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await level.open()
  await level.compactRange(Uint8Array.of(0), Uint8Array.of(0xff))
  await level.close()
}

/** A request for a new key, signed by that key. */
function keyRequest(ledger: string, party: string, name: string): string {
  const seed = sha256(utf8(`key ${name}`))
  return signStatement(
    { ledger, type: 'party.key-request@1', party, name: '某招标代理有限公司', roles: ['agency'] },
    { tagged: taggedEd25519(ed25519PublicKey(seed)), sign: (message) => ed25519Sign(seed, message) },
  )
}
