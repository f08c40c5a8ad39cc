/** Homes of a devnet for hosts of their own, as `docker/compose.devnet.yaml` has them made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { foundDevnet } from '../../../src/node/cli/devnet-founding.ts'
import { loadConfiguration } from '../../../src/node/configuration.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const cities = ['beijing', 'guangzhou', 'hangzhou', 'wuhan']

async function laid() {
  const directory = temporaryDirectory()
  const dir = join(directory, 'founding')
  const homes = join(directory, 'homes')
  // As volumes are: there, and empty.
  for (const city of cities) mkdirSync(join(homes, city), { recursive: true })
  const ran = await runJson<{ fingerprint: string }>('devnet', '--dir', dir, '--homes', homes)
  expect(ran.code, ran.error).toBe(0)
  return { directory, dir, homes, fingerprint: ran.json.fingerprint }
}

test('every member gets a whole home: reachable under its name, its private listener a socket outside the home', async () => {
  const { homes } = await laid()
  expect(readdirSync(homes).sort()).toEqual(cities)
  for (const city of cities) {
    const configuration = await loadConfiguration(join(homes, city))
    expect(configuration.self).toMatchObject({ id: city, addresses: [`/dns4/${city}/tcp/8450`] })
    expect(configuration.listen).toEqual(['/ip4/0.0.0.0/tcp/8450'])
    expect(configuration.privateListener).toEqual({ socket: '/run/gongzheng/private.sock' })
    expect(configuration.keys.centre).toBeDefined()
    for (const key of ['node.json', 'centre.json']) {
      expect(statSync(join(homes, city, 'keys', key)).mode & 0o777).toBe(0o600)
    }
  }
})

test('governance keys stay with the founding, where no node can read', async () => {
  const { dir, homes } = await laid()
  expect(readdirSync(join(dir, 'governance')).length).toBe(4)
  for (const city of cities) expect(readdirSync(join(homes, city, 'keys')).sort()).toEqual(['centre.json', 'node.json'])
})

test('called again it founds nothing anew and leaves a configuration that somebody changed', async () => {
  const { dir, homes, fingerprint } = await laid()
  const path = join(homes, 'wuhan', 'config.json')
  const before = statSync(path)
  const again = await runJson<{ fingerprint: string }>('devnet', '--dir', dir, '--homes', homes)
  expect(again.json.fingerprint).toBe(fingerprint)
  expect(statSync(path).ino).toBe(before.ino)
})

test('a home that was cut short, so without a configuration, is completed', async () => {
  const { dir, homes } = await laid()
  const home = join(homes, 'beijing')
  const key = readFileSync(join(home, 'keys', 'node.json'), 'utf8')
  for (const name of ['config.json', 'genesis.signatures.json']) rmSync(join(home, name))
  expect((await run('devnet', '--dir', dir, '--homes', homes)).code).toBe(0)
  expect((await loadConfiguration(home)).member).toBe('beijing')
  expect(readFileSync(join(home, 'keys', 'node.json'), 'utf8')).toBe(key)
})

test('homes of one founding are never mixed with those of another', async () => {
  const { directory, homes } = await laid()
  const other = await run('devnet', '--dir', join(directory, 'other'), '--homes', homes)
  expect(other.code).toBe(2)
  expect(other.error).toContain('founding.genesis-differs')
})

test('a devnet of this machine has no addresses to reach from elsewhere, and is refused', async () => {
  const directory = temporaryDirectory()
  foundDevnet(join(directory, 'loopback'), 4)
  const ran = await run('devnet', '--dir', join(directory, 'loopback'), '--homes', join(directory, 'homes'))
  expect(ran.error).toContain('devnet.other')
  expect(existsSync(join(directory, 'homes'))).toBe(false)
})
