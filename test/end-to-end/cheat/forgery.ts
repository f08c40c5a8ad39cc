/**
 * What somebody can do who owns Wuhan's server, its data and all its keys: take the ledger as it is exported, change it, make the tree fit again,
 * put Wuhan's real signatures under it, and serve it. Whatever is not changed here is as the members left it.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ed25519Sign } from '#crypto'
import { assembleBlock, type Block, blockSealMessage, decodeBlock } from '../../../src/chain/block.ts'
import { blockBundlePath, blockPath, decodeBlockBundle, encodeBlockBundle } from '../../../src/chain/block-bundle.ts'
import { utf8 } from '../../../src/chain/bytes.ts'
import {
  cosignature,
  cosignatureMessage,
  formatCheckpoint,
  logSignature,
  parseCheckpoint,
} from '../../../src/chain/checkpoint.ts'
import type { Genesis, GenesisMember } from '../../../src/chain/genesis.ts'
import { memberCosignKey, memberLogKey } from '../../../src/chain/member-policy.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import { formatNote, type NoteSignature, parseNote } from '../../../src/chain/note.ts'
import { decodeEntryBundle, encodeEntryBundle, entriesPath, tilePath, tileWidth } from '../../../src/chain/tile.ts'
import { TileBuilder } from '../../../src/node/audit/tile-builder.ts'
import type { NodeKeys } from '../../../src/node/identity.ts'

export class Forger {
  readonly #genesis: Genesis
  readonly #member: GenesisMember
  readonly #keys: NodeKeys

  constructor(genesis: Genesis, member: GenesisMember, keys: NodeKeys) {
    this.#genesis = genesis
    this.#member = member
    this.#keys = keys
  }

  /** A copy of an export in which the document that this entry attests is another. Neither tree nor signatures fit. */
  rewritten(from: string, to: string, index: number): string {
    this.#copy(from, to)
    const entries = this.#entries(to)
    entries[index] = otherDocument(entries[index]!)
    this.#writeEntries(to, entries)
    return to
  }

  /** The same, and the whole tree computed anew, under a checkpoint that Wuhan signs and cosigns. */
  rewrittenAndSigned(from: string, to: string, index: number): string {
    this.rewritten(from, to, index)
    const entries = this.#entries(to)
    const frontier = new TreeFrontier()
    const tiles = new TileBuilder([], (level, at, bytes) => writeFileSync(join(to, tilePath(level, at)), bytes))
    for (const entry of entries) {
      const hash = leafHash(entry)
      frontier.append(hash)
      tiles.append(hash)
    }
    for (const [level, { index: at, bytes }] of tiles.edges.entries()) {
      if (bytes.length > 0) writeFileSync(join(to, tilePath(level, at, bytes.length / 32)), bytes)
    }
    const text = formatCheckpoint({ origin: this.#genesis.origin, size: entries.length, root: frontier.root() })
    writeFileSync(join(to, 'checkpoint'), this.#note(text, Math.floor(Date.now() / 1000), []))
    return to
  }

  /** The checkpoint as it is, with Wuhan's cosignature dated back. */
  backDated(from: string, to: string, seconds: number): string {
    this.#copy(from, to)
    const { text, signatures } = parseNote(readFileSync(join(to, 'checkpoint')))
    const mine = memberCosignKey(this.#genesis, this.#member)
    const others = signatures.filter(({ name }) => name !== mine.name && name !== this.#genesis.origin)
    writeFileSync(join(to, 'checkpoint'), this.#note(text, Math.floor(Date.now() / 1000) - seconds, others))
    return to
  }

  /** Beside the last block that Wuhan sealed with records in it, another at the same height: undefined when it sealed none. */
  twoBlocks(from: string, to: string): string | undefined {
    this.#copy(from, to)
    const context = { ledger: this.#genesis.ledger, epoch: 0 }
    for (const { path, blocks } of blockFiles(to)) {
      const at = blocks.findLastIndex((bytes) => {
        const { header, batches } = decodeBlock(bytes, context)
        return header.leader === this.#member.id && batches.length > 0
      })
      if (at < 0) continue
      const twin = this.#twinOf(decodeBlock(blocks[at]!, context))
      const changed = blocks.map((bytes, i) => (i === at ? twin.bytes : bytes))
      writeFileSync(join(to, path), path.startsWith('v1/block-bundles') ? encodeBlockBundle(changed) : changed[0]!)
      return to
    }
    return undefined
  }

  #twinOf({ header, carried, batches }: Block): Block {
    const later = { ...header, time: header.time + 1 }
    const message = blockSealMessage({ ledger: this.#genesis.ledger, epoch: header.epoch }, later)
    return assembleBlock(later, ed25519Sign(this.#keys.seal.seed, message), carried, batches)
  }

  #note(text: string, timeSeconds: number, others: readonly NoteSignature[]): Uint8Array {
    const log = logSignature(memberLogKey(this.#genesis, this.#member), ed25519Sign(this.#keys.log.seed, utf8(text)))
    const mine = cosignature(
      memberCosignKey(this.#genesis, this.#member),
      timeSeconds,
      ed25519Sign(this.#keys.cosign.seed, cosignatureMessage(timeSeconds, text)),
    )
    return utf8(formatNote({ text, signatures: [log, ...others, mine] }))
  }

  #copy(from: string, to: string): void {
    rmSync(to, { recursive: true, force: true })
    cpSync(from, to, { recursive: true })
  }

  #entries(directory: string): Uint8Array[] {
    const size = sizeOf(directory)
    return Array.from({ length: Math.ceil(size / 256) }, (_, at) => {
      const width = tileWidth(0, at, size)
      return decodeEntryBundle(readFileSync(join(directory, entriesPath(at, width))), width)
    }).flat()
  }

  #writeEntries(directory: string, entries: readonly Uint8Array[]): void {
    for (let at = 0; at * 256 < entries.length; at++) {
      const some = entries.slice(at * 256, at * 256 + 256)
      writeFileSync(join(directory, entriesPath(at, some.length)), encodeEntryBundle(some))
    }
  }
}

export const sizeOf = (directory: string): number =>
  Number(parseCheckpoint(parseNote(readFileSync(join(directory, 'checkpoint'))).text).size)

/** The statement says another hash now: one hexadecimal digit of the payload, inside its base64url. */
function otherDocument(entry: Uint8Array): Uint8Array {
  const text = Buffer.from(entry).toString()
  const [, jws] = /"statement":"([^"]+)"/.exec(text)!
  const [header, payload, signature] = jws!.split('.')
  const fields = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as { hash: { value: string } }
  fields.hash.value = 'ff'.repeat(32)
  const changed = Buffer.from(JSON.stringify(fields)).toString('base64url')
  return utf8(text.replace(jws!, `${header}.${changed}.${signature}`))
}

/** The files that hold blocks, the newest first; there are fewer than a thousand bundles. */
function* blockFiles(directory: string): Generator<{ readonly path: string; readonly blocks: readonly Uint8Array[] }> {
  const numbers = (folder: string): number[] => {
    const path = join(directory, folder)
    return existsSync(path)
      ? readdirSync(path)
          .map(Number)
          .sort((a, b) => b - a)
      : []
  }
  for (const at of numbers('v1/blocks')) {
    const path = blockPath(at)
    yield { path, blocks: [readFileSync(join(directory, path))] }
  }
  for (const at of numbers('v1/block-bundles')) {
    const path = blockBundlePath(at)
    yield { path, blocks: decodeBlockBundle(readFileSync(join(directory, path))) }
  }
}

/** Wuhan's web server: one address, whatever it serves behind it. */
export class ForgedServer {
  readonly #server: Server
  directory = ''

  constructor() {
    this.#server = createServer((request, response) => {
      try {
        response.end(readFileSync(join(this.directory, request.url!.slice(1).replace(/\?.*/, ''))))
      } catch {
        response.writeHead(404).end()
      }
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
