/** A node that cannot start where its configuration says: whose trouble that is, in words, and nothing of the home is harmed. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configureDevnet, devnetGenesis, devnetPorts, foundDevnet } from '../../../src/node/cli/devnet-founding.ts'
import { loadConfiguration } from '../../../src/node/configuration.ts'
import type { Log } from '../../../src/node/ports.ts'
import { startProcess } from '../../../src/node/process.ts'
import { type Ran, run } from './run.ts'

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-cli-'))
let home = ''
let whole: Readonly<Record<string, unknown>> = {}

beforeAll(async () => {
  foundDevnet(directory, 4)
  const genesis = devnetGenesis(directory)!
  const ids = genesis.members.map(({ id }) => id)
  configureDevnet(directory, genesis, await devnetPorts(ids, 0))
  home = join(directory, ids[0]!)
  const { member } = JSON.parse(readFileSync(join(home, 'config.json'), 'utf8'))
  whole = { member, listen: [], api: { host: '127.0.0.1', port: 0 }, logLevel: 'error' }
})

afterAll(() => rmSync(directory, { recursive: true }))

function start(changed: Readonly<Record<string, unknown>>): Promise<Ran> {
  writeFileSync(join(home, 'config.json'), JSON.stringify({ ...whole, ...changed }))
  return run('start', '--home', home, '--lang', 'en')
}

test.each([
  ['a host that has no address', 'api', { api: { host: 'no.such.host.invalid', port: 0 } }],
  ['a socket in a folder that is not there', 'private', { private: { socket: 'nowhere/node.sock' } }],
  ['a socket whose path is too long', 'private', { private: { socket: 'x'.repeat(200) } }],
  ['a socket where a folder is', 'private', { private: { socket: 'keys' } }],
  ['an address of another machine', 'operations', { operations: { host: '192.0.2.1', port: 9440 } }],
])('%s: a person has to change the configuration, and is told which field', async (_what, field, changed) => {
  const { code, error } = await start(changed)
  expect(error).toContain(`start.address`)
  expect(error).toContain(`Detail: ${field}: `)
  expect(error).not.toMatch(/\n\s+at /)
  expect(code).toBe(2)
})

test('a socket whose path is that of a file takes nothing away', async () => {
  const path = join(home, 'keys', 'node.json')
  const key = readFileSync(path)
  const { code, error } = await start({ private: { socket: 'keys/node.json' } })
  expect(readFileSync(path)).toEqual(key)
  expect(error).toContain('is no socket')
  expect(code).toBe(2)
})

test('an address for other nodes that is not of this machine is said without the stack of who found out', async () => {
  const { code, error } = await start({ listen: ['/ip4/192.0.2.1/tcp/8450'] })
  expect(error).toContain('network.cannot-listen')
  expect(error).toContain('EADDRNOTAVAIL')
  expect(error).not.toMatch(/\n\s+at /)
  expect(code).toBe(2)
})

test.each(['genesis.signatures.json', 'genesis.json', 'config.json'])(
  'of the files of the home, it is said that %s is no JSON',
  async (name) => {
    const path = join(home, name)
    const good = readFileSync(path)
    writeFileSync(path, '{,')
    const { code, error } = await run('start', '--home', home, '--lang', 'en')
    writeFileSync(path, good)
    expect(error).toContain(`Detail: ${path}: not JSON`)
    expect(code).toBe(2)
  },
)

test('a private listener that stays closed for want of the centre key is in the log', async () => {
  const path = join(home, 'keys', 'centre.json')
  writeFileSync(join(home, 'config.json'), JSON.stringify({ ...whole, private: { host: '127.0.0.1', port: 0 } }))
  renameSync(path, `${path}.away`)
  const said: unknown[] = []
  const quiet = () => undefined
  const log: Log = { debug: quiet, info: quiet, error: quiet, warn: (event, fields) => said.push([event, fields]) }
  try {
    const node = await startProcess(await loadConfiguration(home), { log, version: 'test' })
    await node.stop()
    expect(node.privateUrl).toBeNull()
    expect(said).toContainEqual(['private listener closed', { missing: 'keys/centre.json' }])
  } finally {
    renameSync(`${path}.away`, path)
  }
})
