/**
 * What an export may be that a node is started from: terms that change, epochs that end by a record or by governance, and every byte of every
 * block another. The blocks of made ledgers come from one who holds all keys; the real processes are in the end-to-end test.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { toHex } from '../../src/chain/bytes.ts'
import { newestEpoch } from '../../src/chain/epoch.ts'
import type { ChainRules } from '../../src/chain/execution.ts'
import type { Genesis } from '../../src/chain/genesis.ts'
import { DirectorySource } from '../../src/node/audit/directory-source.ts'
import type { Source } from '../../src/node/audit/source.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { ImportRefused } from '../../src/node/export-peer.ts'
import { importLedger } from '../../src/node/import-ledger.ts'
import { openLevelDisk } from '../../src/node/level-disk.ts'
import { catchUpUnprovenMax } from '../../src/node/limits.ts'
import type { Log } from '../../src/node/ports.ts'
import { MapSource } from './audit/audit-fixture.ts'
import { genesis, joiners, MadeLedger, members, noteOf, rules } from './audit/made-ledger.ts'
import { run } from './cli/run.ts'
import { refoundedWith } from './governance.ts'
import { LedgerStage } from './ledger-stage.ts'

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-import-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
let homes = 0

interface Ledger {
  readonly genesis: Genesis
  readonly rules: ChainRules
}

function importInto(dataDirectory: string, source: Source, ledger: Ledger = { genesis, rules }) {
  const self = ledger.genesis.members.find(({ id }) => id === 'wuhan')!
  return importLedger({ ...ledger, dataDirectory, member: self.id, self }, { source, log: quiet, onProgress: () => {} })
}

/** Into a data directory of its own: what it holds then, or the code with which it was refused, nothing being left. */
async function imported(source: Source, ledger: Ledger = { genesis, rules }) {
  const dataDirectory = join(directory, `home-${homes++}`, 'data')
  try {
    const done = await importInto(dataDirectory, source, ledger)
    expect(existsSync(`${dataDirectory}.importing`)).toBe(false)
    return { ...done, epoch: await epochIn(dataDirectory, ledger) }
  } catch (error) {
    if (!(error instanceof ImportRefused)) throw error
    const left = existsSync(join(dataDirectory, '..')) ? readdirSync(join(dataDirectory, '..')) : []
    expect(left).toEqual([])
    return error.code
  }
}

/** Of which epoch the state on this disk is. */
async function epochIn(path: string, ledger: Ledger): Promise<number> {
  const { id } = ledger.genesis.members.find((member) => member.id === 'wuhan')!.node
  const onFatal = (reason: string): never => {
    throw new Error(reason)
  }
  const opened = await openLevelDisk(
    { directory: path, owner: { ledger: ledger.genesis.ledger, node: id } },
    { log: quiet, onFatal },
  )
  const cycle = new DiskCycle({}, { disk: opened.disk, beforeTaking: () => undefined })
  const { number } = newestEpoch(
    new BlockStore({ disk: opened.disk, cycle, context: ledger.rules.context }).state,
    ledger.genesis,
  )
  await opened.close()
  return number
}

const records = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)

/** Three terms, and more than one bundle of blocks. */
function several(): MadeLedger {
  const made = new MadeLedger()
  for (let at = 0; at < 34; at++) made.add({ records: records(`r${at}`, at % 5), leader: Math.floor(at / 12) })
  return made.add({ records: ['last'] })
}

test('several terms, empty blocks, whole bundles and loose blocks', async () => {
  const made = several().finish()
  expect(await imported(new MapSource('m', made.files))).toMatchObject({
    size: made.size,
    root: made.attestation!.root,
    height: made.height,
    epoch: 0,
  })
})

test('epochs that a record closed: members join and leave on the way', async () => {
  const made = several()
    .change([...members, joiners[0]!])
    .add({ records: records('second', 3) })
    .change([...members.slice(0, 3), joiners[0]!])
    .add({ records: records('third', 3), leader: 1 })
    .add({ records: ['end'] })
    .finish()
  expect(await imported(new MapSource('m', made.files))).toMatchObject({
    size: made.size,
    height: made.height,
    epoch: 2,
  })
  // Software that does not know the record that closes an epoch finds the next one without a beginning.
  const { closing, ...plain } = rules
  expect(closing).toBeDefined()
  expect(await imported(new MapSource('m', made.files), { genesis, rules: plain })).toBe('import.refused')
})

test('a ledger that governance re-founded: the certificate in the chain is kept, and the next epoch entered', async () => {
  const stage = new LedgerStage(4, { joining: 2 })
  onTestFinished(() => stage[Symbol.asyncDispose]())
  const { world } = stage
  for (let i = 0; i < 3; i++) stage.take('beijing', world.statement('beijing', `before ${i}`))
  refoundedWith(world, ['xiamen', 'nanning'])
  for (let i = 0; i < 3; i++) stage.take('xiamen', world.statement('beijing', `after ${i}`))
  const out = join(directory, 'refounded')
  expect((await run('export', 'ledger', await stage.serve('xiamen'), out)).code).toBe(0)
  const { size, root } = world.replica('xiamen').attested!
  const plain = { genesis: world.genesis, rules: { ...world.rules, refoundings: [] } }
  expect(await imported(new DirectorySource(out), plain)).toMatchObject({ size, root, epoch: 1 })
})

test('a long run of terms in which nothing was recorded: more blocks than a node holds on trust', async () => {
  const made = new MadeLedger().add({ records: ['before'] })
  for (let i = 0; i < catchUpUnprovenMax + 500; i++) made.lead((i + 1) % 4)
  made.add({ records: ['after'] }).finish()
  const { size, height } = made
  expect(await imported(new MapSource('m', made.files))).toMatchObject({ size, height })
}, 60_000)

test('a run of empty blocks in one term, of which nothing is proven, ends in a word and not never', async () => {
  const made = new MadeLedger().add({ records: ['before'] })
  for (let i = 0; i < 4 * catchUpUnprovenMax; i++) made.add({ records: [] })
  made.add({ records: ['after'] }).finish()
  expect(await imported(new MapSource('m', made.files))).toBe('import.refused')
}, 60_000)

describe('the place of the data', () => {
  const made = new MadeLedger().add({ records: ['a'] }).finish()
  const newHome = (): string => {
    const home = join(directory, `home-${homes++}`)
    mkdirSync(home)
    return home
  }

  test('a link to an empty folder on another disk is followed, as a start follows it', async () => {
    const [home, disk] = [newHome(), newHome()]
    mkdirSync(join(disk, 'gongzheng'))
    symlinkSync(join(disk, 'gongzheng'), join(home, 'data'))
    await importInto(join(home, 'data'), new MapSource('m', made.files))
    expect(readdirSync(join(home, 'data'))).toContain('vote.slot')
    expect([readdirSync(home), readdirSync(disk)]).toEqual([['data'], ['gongzheng']])
  })

  test('a file, or a link that leads nowhere: said before any work, and left as it is', async () => {
    const [one, other] = [newHome(), newHome()]
    writeFileSync(join(one, 'data'), 'x')
    symlinkSync(join(other, 'nowhere'), join(other, 'data'))
    for (const home of [one, other]) {
      const source = new MapSource('m', made.files)
      const refusal = expect(importInto(join(home, 'data'), source)).rejects
      await refusal.toMatchObject({ code: 'import.cannot-place' })
      expect([readdirSync(home), source.asked]).toEqual([['data'], []])
    }
  })

  test('a disk that takes nothing is said to be that', async () => {
    const home = newHome()
    writeFileSync(join(home, 'data.importing'), 'in the way')
    const refusal = expect(importInto(join(home, 'data'), new MapSource('m', made.files))).rejects
    await refusal.toMatchObject({ code: 'import.not-written' })
    expect(readdirSync(home)).toEqual(['data.importing'])
  })

  test('two imports into one home: one of them is told of the other, which ends as it would alone', async () => {
    const home = newHome()
    const both = await Promise.allSettled(
      [1, 2].map(() => importInto(join(home, 'data'), new MapSource('m', made.files))),
    )
    const refused = both.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    expect(refused).toEqual(['disk.locked'])
    expect(readdirSync(home)).toEqual(['data'])
  })

  test('what an import left that was killed is cleared away by the next', async () => {
    const home = newHome()
    mkdirSync(join(home, 'data.importing', 'data', 'rows'), { recursive: true })
    writeFileSync(join(home, 'data.importing', 'data', 'vote.slot'), 'torn')
    await importInto(join(home, 'data'), new MapSource('m', made.files))
    expect(readdirSync(home)).toEqual(['data'])
  })

  test('an export with a pipe in place of a file is not waited for', async () => {
    const out = join(directory, `home-${homes++}`)
    mkdirSync(join(out, 'v1'), { recursive: true })
    writeFileSync(join(out, 'v1', 'genesis'), genesis.entry)
    execFileSync('mkfifo', [join(out, 'checkpoint')])
    expect(await imported(new DirectorySource(out))).toBe('import.incomplete')
  })
})

test('a byte of any block changed, anywhere: refused, and nothing is left', async () => {
  const made = new MadeLedger()
    .add({ records: ['a', 'b'] })
    .add({ records: ['c'], leader: 1 })
    .add({ records: ['d'] })
    .finish()
  const names = [...made.files.keys()].filter((name) => name.startsWith('v1/blocks/'))
  let tried = 0
  for (const name of names) {
    const bytes = made.files.get(name)!
    for (let at = 0; at < bytes.length; at += 197) {
      const files = new Map(made.files).set(
        name,
        bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      )
      expect(await imported(new MapSource('m', files)), `${name} at ${at}`).toBe('import.refused')
      tried++
    }
  }
  expect(tried).toBeGreaterThan(20)
})

test('what fewer than q members have attested is not taken, however good its blocks are', async () => {
  const made = new MadeLedger()
    .add({ records: ['a'] })
    .add({ records: ['b'] })
    .finish()
  const { cosignatures, ...head } = made.attestation!
  for (const left of [0, 1, 2]) {
    const note = noteOf({ ...head, cosignatures: cosignatures.slice(0, left) })
    expect(await imported(new MapSource('m', new Map(made.files).set('checkpoint', note))), `${left}`).toBe(
      'import.refused',
    )
  }
  const twice = noteOf({ ...head, cosignatures: [cosignatures[0]!, cosignatures[1]!, cosignatures[1]!] })
  expect(await imported(new MapSource('m', new Map(made.files).set('checkpoint', twice)))).toBe('import.refused')
  expect(toHex(made.files.get('v1/genesis')!)).toBe(toHex(genesis.entry))
}, 60_000)
