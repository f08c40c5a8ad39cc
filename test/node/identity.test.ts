import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { nodeIdOf } from '../../src/chain/genesis.ts'
import { isAcceptableKey, kidOf, verifySignature } from '../../src/chain/keys.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import { FileSigner } from '../../src/node/file-signer.ts'
import { centreKey, governanceKey, newKeyFile, nodeKeys } from '../../src/node/identity.ts'
import { needsPassphrase, readKeyFile, writeKeyFile } from '../../src/node/key-file.ts'
import { SystemRandom } from '../../src/node/system-clock.ts'

const origin = `gongzheng.example/${'0123456789abcdef'.repeat(2)}`
const random = new SystemRandom()
const seed = Uint8Array.from({ length: 32 }, (_, index) => index)

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  return 'no error'
}

describe('keys from seeds', () => {
  test('four keys of a node, all different, the same every time', () => {
    const { network, log, cosign, seal } = nodeKeys({ kind: 'node', origin, seed })
    const kids = [network, log, cosign, seal].map((key) => kidOf(key.publicKey))
    expect(new Set(kids).size).toBe(4)
    // Fixed for ever: another derivation would take every node's keys away.
    expect(kids).toEqual(nodeKeyVector)
    for (const key of [network, log, cosign, seal]) expect(isAcceptableKey(key.publicKey)).toBe(true)
  })

  test('another ledger gives other keys from the same seed, and so does another purpose', () => {
    const here = nodeKeys({ kind: 'node', origin, seed })
    const there = nodeKeys({ kind: 'node', origin: `${origin}0`, seed })
    const all = [
      ...Object.values(here),
      ...Object.values(there),
      centreKey({ kind: 'centre', origin, seed }),
      governanceKey({ kind: 'governance', origin, seed }),
    ]
    expect(new Set(all.map((key) => kidOf(key.publicKey))).size).toBe(10)
  })

  test('a file of one kind gives no keys of another', () => {
    expect(codeOf(() => nodeKeys({ kind: 'centre', origin, seed }))).toBe('identity.wrong-kind')
    expect(codeOf(() => centreKey({ kind: 'node', origin, seed }))).toBe('identity.wrong-kind')
    expect(codeOf(() => governanceKey({ kind: 'centre', origin, seed }))).toBe('identity.wrong-kind')
  })

  test('a node’s id is the head of the hash of its tagged seal key', () => {
    const { seal } = nodeKeys({ kind: 'node', origin, seed })
    expect(nodeIdOf(seal.publicKey)).toBe(toHex(sha256(seal.publicKey)).slice(0, 16))
    expect(nodeIdOf(seal.publicKey)).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('key files', () => {
  let directory: string
  let path: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gongzheng-identity-'))
    path = join(directory, 'node.key')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const change = async (edit: (text: string) => string): Promise<void> => {
    await writeFile(path, edit(await readFile(path, 'utf8')))
  }

  test('what is written is read, and is readable by its owner only', async () => {
    const file = newKeyFile('node', origin, random)
    writeKeyFile(path, file, random)
    expect(readKeyFile(path, { kind: 'node', origin })).toEqual(file)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(needsPassphrase(path)).toBe(false)
  })

  test('with a passphrase the seed is not in the file, and comes out with that passphrase only', async () => {
    const file = newKeyFile('governance', origin, random)
    writeKeyFile(path, file, random, 'Gänsefüßchen 共证')
    expect(await readFile(path, 'utf8')).not.toContain(Buffer.from(file.seed).toString('base64url'))
    expect(needsPassphrase(path)).toBe(true)
    const wanted = { kind: 'governance', origin } as const
    expect(readKeyFile(path, { ...wanted, passphrase: 'Gänsefüßchen 共证'.normalize('NFD') })).toEqual(file)
    expect(codeOf(() => readKeyFile(path, wanted))).toBe('identity.passphrase-needed')
    expect(codeOf(() => readKeyFile(path, { ...wanted, passphrase: 'other' }))).toBe('identity.wrong-passphrase')
  })

  test('a sealed seed cannot be given another ledger or another job', async () => {
    writeKeyFile(path, { kind: 'governance', origin, seed }, random, 'word')
    await change((text) => text.replace('governance', 'centre'))
    expect(codeOf(() => readKeyFile(path, { kind: 'centre', passphrase: 'word' }))).toBe('identity.wrong-passphrase')
  })

  test('an existing file is never overwritten', async () => {
    writeKeyFile(path, { kind: 'node', origin, seed }, random)
    const before = await readFile(path, 'utf8')
    expect(codeOf(() => writeKeyFile(path, newKeyFile('node', origin, random), random))).toBe('identity.exists')
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  test('a file that others can read is refused', async () => {
    writeKeyFile(path, { kind: 'node', origin, seed }, random)
    for (const mode of [0o640, 0o604, 0o666]) {
      await chmod(path, mode)
      expect(codeOf(() => readKeyFile(path, { kind: 'node' }))).toBe('identity.too-open')
    }
  })

  test('the wrong file is refused in plain words', async () => {
    expect(codeOf(() => readKeyFile(path, { kind: 'node' }))).toBe('identity.missing')
    expect(codeOf(() => readKeyFile(directory, { kind: 'node' }))).toMatch(/^identity\.(damaged|unreadable)$/)
    expect(codeOf(() => writeKeyFile(join(path, 'no', 'where'), { kind: 'node', origin, seed }, random))).toBe(
      'identity.unwritable',
    )
    writeKeyFile(path, { kind: 'node', origin, seed }, random)
    expect(codeOf(() => readKeyFile(path, { kind: 'centre' }))).toBe('identity.wrong-kind')
    expect(codeOf(() => readKeyFile(path, { kind: 'node', origin: 'other/1' }))).toBe('identity.wrong-ledger')
  })

  test.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, 40)],
    ['empty', () => ''],
    ['another version', (text) => text.replace('"version": 1', '"version": 2')],
    [
      'one character of the seed changed',
      (text) => text.replace(/("seed": ")(.)/, (_, head, first) => head + (first === 'A' ? 'B' : 'A')),
    ],
    ['a short seed', (text) => text.replace(/("seed": ")..../, '$1')],
    ['another origin', (text) => text.replace('example', 'exemple')],
    ['an unknown protection', (text) => text.replace('"seed"', '"protection": {"cipher": "rot13"}, "seed"')],
    ['a list', () => '[]'],
    ['far too long', (text) => text + ' '.repeat(10_000)],
  ])('a damaged file is found: %s', async (_, edit) => {
    writeKeyFile(path, { kind: 'node', origin, seed }, random)
    await change(edit)
    expect(codeOf(() => readKeyFile(path, { kind: 'node' }))).toBe('identity.damaged')
  })
})

describe('the file signer', () => {
  const keys = nodeKeys({ kind: 'node', origin, seed })
  const centre = centreKey({ kind: 'centre', origin, seed })

  test('signs with the key of the purpose, after the call has returned', async () => {
    const signer = new FileSigner({ node: keys, centre }, { onFatal: (reason) => expect.fail(reason) })
    for (const purpose of ['seal', 'log', 'cosign', 'centre'] as const) {
      const message = utf8(`for ${purpose}`)
      let isReturned = false
      const signature = await new Promise<Uint8Array>((resolve) => {
        signer.sign(purpose, message, (made) => {
          expect(isReturned).toBe(true)
          resolve(made)
        })
        isReturned = true
      })
      expect(verifySignature(signer.publicKey(purpose)!, message, signature)).toBe(true)
    }
  })

  test('without a centre key there is none, and asking for its signature is a bug', () => {
    const signer = new FileSigner({ node: keys }, { onFatal: (reason) => expect.fail(reason) })
    expect(signer.publicKey('centre')).toBeUndefined()
    expect(() => signer.sign('centre', utf8('x'), () => undefined)).toThrow(/no centre key/)
  })

  test('an exception of the node’s own is fatal and not lost', async () => {
    const fatal: string[] = []
    const signer = new FileSigner({ node: keys }, { onFatal: (reason) => void fatal.push(reason) })
    signer.sign('seal', utf8('x'), () => {
      throw new Error('a bug of ours')
    })
    await Promise.resolve()
    expect(fatal[0]).toMatch(/a bug of ours/)
  })
})

/** Computed with HMAC (RFC 5869) and noble by hand, apart from the code under test. */
const nodeKeyVector: readonly string[] = [
  'AbR0-oK7h9Itqhn6G_L0jX65h12XxBmZIs_-DEKufs8f',
  'AZq1rPHi_wbpqBY0Sr0jyPTfDTfLyPsT_pL5GS3uUh3N',
  'ASfxk79se1uAAwDAk5CGbWpNu4EbJ_OBvaeZ-f9NGC3z',
  'ATNrmih_Vxpa0bhz5eUoYbqxpCS8Hqc8y5O6IQLaoODH',
]
