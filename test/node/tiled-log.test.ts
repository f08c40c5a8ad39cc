/**
 * C2SP tlog-tiles at the sizes where trees change their shape, asked over HTTP of the node's own store: exactly the tiles that the spec
 * computes for a size are there and nothing beside them, and their hashes and proofs hold under this project's verifier and under one
 * that nobody here wrote (`@transmute/rfc9162`). The store is filled once; what is attested of it is the test's to say.
 */
import { CoMETRE } from '@transmute/rfc9162'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConsistencyAnswer } from '../../src/api/answers.ts'
import { buildPublicServer } from '../../src/api/server.ts'
import type { Attestation } from '../../src/chain/block.ts'
import { concat, fromBase64, toHex, utf8 } from '../../src/chain/bytes.ts'
import { parseCheckpoint } from '../../src/chain/checkpoint.ts'
import { foundingEpoch } from '../../src/chain/epoch.ts'
import type { Leaf } from '../../src/chain/execution.ts'
import { emptyRoot, inclusionPath, leafHash, rootOf, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { parseNote } from '../../src/chain/note.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { parsePolicy } from '../../src/chain/policy.ts'
import { decodeEntryBundle, hashReaderOfTiles, tileLevels } from '../../src/chain/tile.ts'
import { checkNoteAgainstPolicy, verifyConsistency, verifyInclusion } from '../../src/chain/verify.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { MemoryMedium } from '../../src/node/memory-disk.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Replica } from '../../src/node/replica.ts'
import { ReplicaWorld } from './replica-world.ts'

const sizes = [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000] as const
const sizeMax = 70_000
const blockLeaves = 5_000

const world = new ReplicaWorld(4)
const { genesis, rules } = world
const entryAt = (index: number): Uint8Array => utf8(`{"entry":${index}}`)
const roots = new Map<number, string>()
const store = filledStore()
let attested: Attestation | undefined
let app: FastifyInstance

beforeAll(async () => {
  const queries = new Queries(
    { rules, member: 'beijing', node: genesis.members[0]!.node.id, version: 'test' },
    {
      clock: world.clock,
      signer: {
        publicKey: (purpose) => world.publicKey('beijing', purpose),
        sign: (purpose, message, done) => done(world.sign('beijing', purpose, message)),
      },
      replica: {
        get attested() {
          return attested
        },
        epoch: foundingEpoch(genesis),
        ledger: {
          committed: {
            frontier: { size: sizeMax },
            block: { height: 14 },
            root: roots.get(sizeMax),
            state: store.state,
          },
        },
        store,
        raft: { role: 'follower', term: 1, commit: 14, leader: 'beijing' },
        hindrances: [],
        connected: new Set(),
        incarnation: 1,
        incarnationOf: () => undefined,
        pendingCount: 0,
        attestedAt: 0,
      } as unknown as Replica,
      metrics: () => Promise.resolve(''),
    },
  )
  app = await buildPublicServer(
    { limits: { readsPerMinute: 1_000_000 } },
    { service: queries, onFailure: () => undefined },
  )
})
afterAll(() => app.close())

/** Folded in blocks, as a node does it. */
function filledStore(): BlockStore {
  const disk = new MemoryMedium().open({ defer: (done) => done(), onFatal: () => {} })
  const filled = new BlockStore({ cycle: new DiskCycle({}, { disk }), disk, context: rules.context })
  const frontier = new TreeFrontier()
  for (let firstIndex = 0; firstIndex < sizeMax; firstIndex += blockLeaves) {
    const leaves = Array.from({ length: blockLeaves }, (_, i) => {
      const bytes = entryAt(firstIndex + i)
      return { kind: 'system', bytes, hash: leafHash(bytes) } as unknown as Leaf
    })
    const tileRoots: Uint8Array[] = []
    for (const { hash } of leaves) {
      frontier.append(hash, (level, _, root) => {
        if (level > 0 && level % tileLevels === 0) tileRoots.push(root)
      })
      if ((sizes as readonly number[]).includes(frontier.size)) roots.set(frontier.size, toHex(frontier.root()))
    }
    const point = {
      leader: 'wuhan',
      time: 0,
      frontier,
      root: toHex(frontier.root()),
      state: filled.state,
      unattested: [],
    }
    const block = { term: term(1), height: height(firstIndex / blockLeaves + 1), id: '22'.repeat(32) }
    // Whoever has not executed the block knows no roots of tiles; both ways lead to the same tree.
    const known = block.height % 2 === 0 ? { tileRoots } : {}
    filled.fold(block, new Uint8Array(), { leaves, firstIndex, writes: new Map(), point, ...known })
  }
  return filled
}

/** Every member cosigned this size. */
function attest(size: number): void {
  const root = roots.get(size)!
  const text = `${genesis.origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`
  const cosignatures = world.ids.map((member, i) => {
    const time = 1_795_312_800 + i
    return { member, time, signature: world.sign(member, 'cosign', utf8(`cosignature/v1\ntime ${time}\n${text}`)) }
  })
  attested = { size, root, cosignatures }
}

async function get(
  path: string,
): Promise<{ readonly status: number; readonly bytes: Buffer; readonly headers: object }> {
  const { statusCode, rawPayload, headers } = await app.inject(path)
  return { status: statusCode, bytes: rawPayload, headers }
}

/** tlog-tiles, Merkle Tree, in other words than `tile.ts` has them: ⌊s / 256^l⌋ hashes at level l, 256 to a tile. */
function inventoryOf(size: number): Map<string, number> {
  const tiles = new Map<string, number>()
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / 256)) {
    for (let n = 0; n * 256 < hashes; n++) {
      const width = Math.min(256, hashes - n * 256)
      tiles.set(`/tile/${level}/${spelled(n)}${width === 256 ? '' : `.p/${width}`}`, width)
    }
  }
  return tiles
}

/** Never more than three digits here. */
const spelled = (n: number): string => String(n).padStart(3, '0')

test('the spec’s own example: 70,000 entries are 273 full tiles and one of 112, one full and one of 17, one of 1', () => {
  const partial = [...inventoryOf(70_000)].filter(([, width]) => width < 256).map(([path]) => path)
  expect(partial).toEqual(['/tile/0/273.p/112', '/tile/1/001.p/17', '/tile/2/000.p/1'])
  expect(inventoryOf(70_000).size).toBe(273 + 1 + 1 + 1 + 1)
  expect([...inventoryOf(256).keys()]).toEqual(['/tile/0/000', '/tile/1/000.p/1'])
})

test('before the first attestation there is no tile of any kind: empty tiles are never served', async () => {
  attested = undefined
  expect((await get('/checkpoint')).status).toBe(503)
  for (const path of [
    '/tile/0/000',
    '/tile/0/000.p/1',
    '/tile/1/000.p/1',
    '/tile/entries/000.p/1',
    '/tile/entries/000',
  ]) {
    const answer = await get(path)
    expect(answer.status, path).toBe(404)
    expect(answer.headers, path).not.toHaveProperty('cache-control')
  }
})

describe.each(sizes)('a tree of %i', (size) => {
  beforeAll(() => attest(size))

  test('has a checkpoint that the policy accepts, of this size and root', async () => {
    const { bytes, headers } = await get('/checkpoint')
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
    const policy = parsePolicy((await get('/v1/policy')).bytes)
    const checkpoint = checkNoteAgainstPolicy(parseNote(bytes), policy)
    expect([checkpoint.size, toHex(checkpoint.root)]).toEqual([BigInt(size), roots.get(size)])
  })

  test('has exactly the tiles that the spec computes, immutable, and they hash up to the root', async () => {
    const held = new Map<string, Uint8Array>()
    for (const [path, width] of inventoryOf(size)) {
      const { status, bytes, headers } = await get(path)
      expect(status, path).toBe(200)
      expect(bytes.length, path).toBe(width * 32)
      expect(headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'cache-control': 'public, max-age=31536000, immutable',
        'access-control-allow-origin': '*',
      })
      held.set(path, bytes)
    }
    const read = hashReaderOfTiles(size, (level, index, width) => {
      const path = `/tile/${level}/${spelled(index)}${width === 256 ? '' : `.p/${width}`}`
      return held.get(path)!
    })
    expect(toHex(rootOf(size, read))).toBe(roots.get(size))
  })

  test('has nothing beside them: wider, further and higher tiles are 404, which no cache may keep', async () => {
    const beside: string[] = []
    for (const kind of ['0', '1', '2', '3', '63', 'entries']) {
      const hashes = kind === 'entries' ? size : Math.floor(size / 256 ** Number(kind))
      const [full, partial] = [Math.floor(hashes / 256), hashes % 256]
      beside.push(`/tile/${kind}/${spelled(full)}`, `/tile/${kind}/${spelled(full + 1)}.p/1`)
      // One wider than the widest; 256 has no such spelling.
      if (partial < 255) beside.push(`/tile/${kind}/${spelled(full)}.p/${partial + 1}`)
    }
    for (const path of beside) {
      const { status, headers } = await get(path)
      expect(status, path).toBe(404)
      expect(headers, path).not.toHaveProperty('cache-control')
    }
  })

  test('serves the partial tiles of every size that had a checkpoint before', async () => {
    for (const [path, width] of sizes
      .filter((earlier) => earlier <= size)
      .flatMap((earlier) => [...inventoryOf(earlier)])) {
      if (width === 256) continue
      expect((await get(path)).bytes.length, path).toBe(width * 32)
      const entries = path.replace('/tile/0/', '/tile/entries/')
      if (entries !== path) expect(decodeEntryBundle((await get(entries)).bytes, width), entries).toHaveLength(width)
    }
  })

  test('has the entries that its lowest tiles hash', async () => {
    for (const [path, width] of inventoryOf(size)) {
      const n = /^\/tile\/0\/(\d{3})/.exec(path)?.[1]
      // The first, the last two, and those at the border of a level-1 tile.
      if (n === undefined || ![0, 255, 256, Math.floor(size / 256) - 1, Math.floor(size / 256)].includes(Number(n)))
        continue
      const entries = decodeEntryBundle((await get(path.replace('/tile/0/', '/tile/entries/'))).bytes, width)
      expect(entries[0]).toEqual(Buffer.from(entryAt(Number(n) * 256)))
      expect(Buffer.from(concat(...entries.map(leafHash)))).toEqual((await get(path)).bytes)
    }
  })
})

describe('proofs, held against RFC 9162 as others wrote it', () => {
  const theirs = CoMETRE.RFC9162_SHA256
  beforeAll(() => attest(sizeMax))

  test('our roots are theirs', async () => {
    for (const size of [1, 2, 255, 256, 257]) {
      const leaves = Array.from({ length: size }, (_, index) => leafHash(entryAt(index)))
      expect(toHex(new Uint8Array(await theirs.root(leaves))), String(size)).toBe(roots.get(size))
    }
    expect(toHex(leafHash(entryAt(7)))).toBe(toHex(new Uint8Array(await theirs.leaf(entryAt(7)))))
  })

  test('inclusion, at the edges of every size and spread between them', async () => {
    const read = store.hashReader(sizeMax)
    for (const size of sizes) {
      const root = Buffer.from(roots.get(size)!, 'hex')
      const edges = [0, 1, 254, 255, 256, 511, 65_535, 65_536, size - 2, size - 1]
      const spread = Array.from({ length: 8 }, (_, i) => Math.floor((size * (2 * i + 1)) / 16))
      for (const index of new Set([...edges, ...spread])) {
        if (index < 0 || index >= size) continue
        const path = inclusionPath(index, size, read)
        const leaf = leafHash(entryAt(index))
        verifyInclusion({ index, size, leaf, path, root })
        const claim = { log_id: '', tree_size: size, leaf_index: index, inclusion_path: path }
        expect(toHex(await theirs.verify_inclusion_proof(leaf, claim)), `${index} of ${size}`).toBe(roots.get(size))
      }
    }
  })

  test('consistency, between all pairs of sizes, as the node serves it', async () => {
    for (const from of sizes) {
      for (const to of sizes) {
        if (from > to) continue
        const { bytes } = await get(`/v1/proofs/consistency?from=${from}&to=${to}`)
        const path = (JSON.parse(bytes.toString()) as ConsistencyAnswer).path.map((hash) => fromBase64(hash)!)
        const [fromRoot, toRoot] = [from, to].map((size) => Buffer.from(roots.get(size)!, 'hex')) as [Buffer, Buffer]
        verifyConsistency({ from, fromRoot, to, toRoot, path })
        // Theirs leaves step 2 of RFC 9162 §2.1.4.2 to the caller, and has no proof between equal sizes.
        if (from === to) {
          expect(path).toEqual([])
          continue
        }
        const isPowerOfTwo = Number.isInteger(Math.log2(from))
        const proof = {
          log_id: '',
          tree_size_1: from,
          tree_size_2: to,
          consistency_path: isPowerOfTwo ? [fromRoot, ...path] : path,
        }
        expect(await theirs.verify_consistency_proof(fromRoot, toRoot, proof), `${from} to ${to}`).toBe(true)
        // And it is the pair that is shown: under another root neither of us accepts it.
        expect(await theirs.verify_consistency_proof(toRoot, fromRoot, proof).catch(() => false)).toBe(false)
        expect(() => verifyConsistency({ from, fromRoot: toRoot, to, toRoot: fromRoot, path })).toThrow()
      }
    }
  })
})

test('nothing is proved of an empty tree, and nothing about a leaf beyond the end', async () => {
  expect(toHex(emptyRoot)).toBe(toHex(parseCheckpoint(`x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`).root))
  expect((await get('/v1/proofs/consistency?from=0&to=1')).status).toBe(400)
  expect((await get('/v1/records/70000/proof')).status).toBe(404)
  const beyond = { index: 0, size: 0, leaf: emptyRoot, path: [], root: emptyRoot }
  expect(() => verifyInclusion(beyond)).toThrow('index 0 is not below the size 0')
})
