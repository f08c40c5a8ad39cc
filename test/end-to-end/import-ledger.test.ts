/**
 * An export of the ledger starts a node: three real processes keep a ledger, the fourth member's node has never run. Its data are made from an
 * export, checked on the way; it starts with them, fetches the rest from the others, and works. Exports that are not whole, are forged, or
 * are of another ledger leave its home as it was.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ed25519Sign } from '#crypto'
import { Client } from '../../src/api/client/client.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { homeFiles } from '../../src/node/configuration.ts'
import { run, runJson } from '../node/cli/run.ts'
import { foundHomes, type Home, NodeProcess, until } from './cluster.ts'

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-import-'))
const exported = join(directory, 'export')
let homes: Home[]
let ledger: string
const processes: NodeProcess[] = []
const minutes = 60_000

beforeAll(async () => {
  const founded = await foundHomes(join(directory, 'net'), 4)
  homes = founded.homes
  ledger = founded.genesis.ledger
  for (const home of homes.slice(0, 3)) launch(home)
  await until(async () => (await Promise.all(processes.map((each) => each.isReady()))).every(Boolean), 'three ready')
  // One after the other: more than a bundle of sixteen blocks.
  for (let at = 0; at < 20; at++) await attest(homes[at % 3]!, `before ${at}`)
  expect((await run('export', 'ledger', homes[0]!.apiUrl, exported)).code).toBe(0)
  for (let at = 0; at < 3; at++) await attest(homes[at]!, `after the export ${at}`)
}, 3 * minutes)
afterAll(async () => {
  await Promise.all(processes.map((each) => each.kill('SIGKILL')))
  rmSync(directory, { recursive: true, force: true })
})

function launch(home: Home): void {
  const node = new NodeProcess(home)
  node.start()
  processes.push(node)
}

async function attest(home: Home, key: string): Promise<{ readonly index: string }> {
  const fields = {
    ...{ type: 'attest.hash@1', subject: 'document', mediaType: 'application/pdf' },
    hash: { algorithm: 'sha256', value: Buffer.from(key.padEnd(32).slice(0, 32)).toString('hex') },
    source: {
      ...{ system: 'test', operator: 'role:clerk', method: 'export', software: 'test 1' },
      occurredAt: '2026-11-20T09:30:00+08:00',
    },
  }
  const { centre, party } = home
  const sign = (message: Uint8Array): Uint8Array => ed25519Sign(centre.seed, message)
  const jws = signStatement({ ...fields, ledger, party, key }, { tagged: centre.publicKey, sign })
  const answer = await new Client({ url: home.apiUrl }).submit(jws)
  if (answer.kind !== 'attested') throw new Error(`${key}: ${answer.kind}`)
  return answer.record
}

const lastHome = (): string => homes[3]!.directory
const data = (): string => join(lastHome(), homeFiles.data)
const imported = (from: string) =>
  runJson<{ size: string; height: string }>('import', 'ledger', from, '--home', lastHome())

/** A copy of the export with something done to it; what importing it says, and that nothing is left behind. */
async function refusal(change: (copy: string) => void): Promise<string> {
  const copy = join(directory, 'copy')
  rmSync(copy, { recursive: true, force: true })
  cpSync(exported, copy, { recursive: true })
  change(copy)
  const ran = await run('import', 'ledger', copy, '--home', lastHome())
  expect(existsSync(data()) && readdirSync(data()).length > 0).toBe(false)
  expect(readdirSync(lastHome()).filter((name) => name.includes('importing'))).toEqual([])
  const code = /\((import\.[a-z-]+)\)/.exec(ran.error)?.[1] ?? ran.error
  expect(ran.code, code).toBe(['import.refused', 'import.other-ledger'].includes(code) ? 1 : 2)
  return code
}

const changeAt = (path: string, part: number): void => {
  const bytes = readFileSync(path)
  bytes[Math.floor((bytes.length - 1) * part)]! ^= 1
  writeFileSync(path, bytes)
}

test(
  'an export that is not whole, forged, or of another ledger is refused with its code, and leaves nothing behind',
  async () => {
    const bundle = 'v1/block-bundles/000'
    const loose = `v1/blocks/${readdirSync(join(exported, 'v1/blocks')).sort((a, b) => Number(b) - Number(a))[0]}`
    expect(await refusal((copy) => rmSync(join(copy, 'checkpoint')))).toBe('import.incomplete')
    expect(await refusal((copy) => rmSync(join(copy, loose)))).toBe('import.incomplete')
    expect(await refusal((copy) => rmSync(join(copy, bundle)))).toBe('import.incomplete')
    expect(await refusal((copy) => rmSync(join(copy, 'v1/genesis')))).toBe('import.incomplete')
    expect(await refusal((copy) => changeAt(join(copy, 'v1/genesis'), 0.5))).toBe('import.other-ledger')
    for (const part of [0, 0.3, 0.71, 1]) {
      expect(await refusal((copy) => changeAt(join(copy, bundle), part)), `bundle at ${part}`).toBe('import.refused')
    }
    for (const part of [0.05, 0.5, 0.9]) {
      expect(await refusal((copy) => changeAt(join(copy, loose), part)), `block at ${part}`).toBe('import.refused')
    }
    const checkpoint = (change: (text: string) => string) =>
      refusal((copy) => {
        const path = join(copy, 'checkpoint')
        writeFileSync(path, change(readFileSync(path, 'utf8')))
      })
    // A member's cosignature less; another root; a larger tree than there are blocks for; another ledger's.
    expect(await checkpoint((text) => text.split('\n').slice(0, -2).join('\n').concat('\n'))).toBe('import.refused')
    expect(await checkpoint((text) => text.replace(/^[A-Za-z0-9+/]{4}/m, 'AAAA'))).toBe('import.refused')
    expect(await checkpoint((text) => text.replace(/^(\d+)$/m, (size) => String(Number(size) + 1)))).toBe(
      'import.incomplete',
    )
    expect(await checkpoint((text) => `x${text}`)).toBe('import.refused')
  },
  5 * minutes,
)

test('a node that has data is left alone', async () => {
  mkdirSync(data(), { recursive: true })
  writeFileSync(join(data(), 'something'), 'of mine')
  const ran = await run('import', 'ledger', exported, '--home', lastHome())
  expect([ran.code, ran.error]).toEqual([2, expect.stringContaining('(import.not-empty)')])
  expect(readFileSync(join(data(), 'something'), 'utf8')).toBe('of mine')
  rmSync(data(), { recursive: true })
})

test(
  'a good one is replayed and checked; the node starts from it, fetches the rest, and works as a member',
  async () => {
    // What an import that was cut short left is no hindrance.
    mkdirSync(`${data()}.importing/rows`, { recursive: true })
    const ran = await imported(exported)
    expect(ran.code, ran.error).toBe(0)
    const checkpoint = readFileSync(join(exported, 'checkpoint'), 'utf8').split('\n')
    expect(ran.json.size).toBe(checkpoint[1])
    expect(existsSync(`${data()}.importing`)).toBe(false)
    // Everything that is on its disk now, done again from the genesis.
    const replayed = await runJson<{ size: number; attestedSize: number }>('replay', '--home', lastHome())
    expect([replayed.code, String(replayed.json.size), String(replayed.json.attestedSize)]).toEqual([
      0,
      ran.json.size,
      ran.json.size,
    ])
    const again = await run('import', 'ledger', exported, '--home', lastHome())
    expect(again.error).toContain('(import.not-empty)')

    launch(homes[3]!)
    const client = new Client({ url: homes[3]!.apiUrl })
    await until(() => processes[3]!.isReady(), 'the fourth is ready')
    const { index } = await attest(homes[3]!, 'brought to the imported node')
    const others = new Client({ url: homes[0]!.apiUrl })
    await until(async () => (await client.status()).attestedSize === (await others.status()).attestedSize, 'caught up')
    expect(await client.entry(index)).toEqual(await others.entry(index))
    expect(await client.entry('3')).toEqual(await others.entry('3'))
    expect((await client.status()).hindrances).toEqual([])
    // Its word counts: with one of the first three gone, three are a quorum only with it.
    await processes[0]!.kill('SIGKILL')
    const after = await attest(homes[3]!, 'with its cosignature')
    const names = (await client.proof(after.index)).proofFile
    expect(names).toContain(`/${homes[3]!.id} `)
  },
  3 * minutes,
)
