/**
 * An exported ledger as a peer: the `Network` port of a node that has nobody but a directory to ask. It answers requests for blocks, as members do
 * (`serve` in `catch-up.ts`), with stretches of the export that end where q members have attested, and says nothing else. What it gives is
 * checked by whoever asked exactly as what a stranger gives; here is looked at no more than finding where to cut takes.
 */
import { type Attestation, type Block, blockBytesMax, decodeBlock } from '../chain/block.ts'
import {
  blockBundleBytesMax,
  blockBundlePath,
  blockPath,
  bundleOf,
  bundleStart,
  decodeBlockBundle,
} from '../chain/block-bundle.ts'
import { toHex } from '../chain/bytes.ts'
import { CborError } from '../chain/cbor.ts'
import { type BlockCertificate, certifiedBlock, type SigningContext } from '../chain/certificate.ts'
import { parseCheckpoint, parseCosignature } from '../chain/checkpoint.ts'
import { noteBytesMax, parseNote } from '../chain/note.ts'
import { height as heightOf } from '../chain/numbers.ts'
import { decodeRefounding, type Refounding } from '../chain/refounding.ts'
import { VerificationError } from '../chain/verification-error.ts'
import { checkpointPath } from './audit/served-head.ts'
import { NoAnswer, type Source, WrongAnswer } from './audit/source.ts'
import { catchUpBytes } from './limits.ts'
import type { MemberId, Network, NetworkHandlers } from './ports.ts'
import { decodeMessage, encodeMessage } from './wire.ts'

/** The export lacks a piece, or does not stand up; or this home is not one to import into. The codes have words in `cli/messages.ts`. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused'
  readonly code: ImportCode
  constructor(code: ImportCode, detail: string) {
    super(detail)
    this.code = code
  }
}

export type ImportCode =
  | 'import.not-empty'
  | 'import.cannot-place'
  | 'import.not-written'
  | 'import.other-ledger'
  | 'import.incomplete'
  | 'import.refused'

/** No member has this name. */
export const exportPeer: MemberId = '(export)'
/** Blocks looked at beyond a stretch for the attestation of its end: the chain may run ahead of its newest carried one by W, and by idle blocks. */
const lookAheadBlocks = 256
/** A node that asks again and again for what lies no further than before does not like what it gets. */
export const vainRequestsMax = 4

/** What the export claims to hold at its end. */
export interface ExportEnd {
  readonly size: number
  readonly attestation: Attestation
}

/** The checkpoint of an export, its cosignatures as an attestation: whether they are any members' is for the node to find out. */
export async function endOfExport(source: Source, origin: string): Promise<ExportEnd> {
  const bytes = await pieceOf(source, checkpointPath, noteBytesMax)
  try {
    const note = parseNote(bytes)
    const checkpoint = parseCheckpoint(note.text)
    if (checkpoint.origin !== origin) throw refused('checkpoint', `its origin is ${checkpoint.origin}`)
    const size = Number(checkpoint.size)
    if (!Number.isSafeInteger(size)) throw refused('checkpoint', `size ${checkpoint.size}`)
    const cosignatures = note.signatures
      .filter(({ name }) => name.startsWith(`${origin}/`))
      .flatMap(({ name, signature }) => {
        const parts = parseCosignature(signature)
        if (parts === undefined) return []
        return [{ member: name.slice(origin.length + 1), time: parts.timeSeconds, signature: parts.signature }]
      })
      .sort((a, b) => (a.member < b.member ? -1 : 1))
    return { size, attestation: { size, root: toHex(checkpoint.root), cosignatures } }
  } catch (error) {
    if (error instanceof VerificationError) throw refused('checkpoint', error.message)
    throw error
  }
}

export class ExportNetwork implements Network {
  readonly #source: Source
  readonly #context: SigningContext
  readonly #end: ExportEnd
  readonly #onUnusable: (error: unknown) => void
  #handlers: NetworkHandlers | undefined
  #furthest = 0
  #vainRequests = 0
  /** The bundle read last, and the one before: stretches overlap where one was cut. */
  readonly #bundles = new Map<number, Promise<readonly Uint8Array[] | undefined>>()

  constructor(
    { context, end }: { readonly context: SigningContext; readonly end: ExportEnd },
    { source, onUnusable }: { readonly source: Source; readonly onUnusable: (error: unknown) => void },
  ) {
    this.#context = context
    this.#end = end
    this.#source = source
    this.#onUnusable = onUnusable
  }

  start(handlers: NetworkHandlers): void {
    this.#handlers = handlers
    setImmediate(() => handlers.onPeer(exportPeer, true))
  }

  stop(): void {
    this.#handlers = undefined
  }

  unacknowledged(): number {
    return 0
  }

  send(_peer: MemberId, _lane: unknown, bytes: Uint8Array): void {
    const message = decodeMessage(bytes)
    if (message.kind !== 'blocks-request') return
    // One that drops what it could not prove begins anew from below, and would do so for ever.
    this.#vainRequests = message.from > this.#furthest ? 0 : this.#vainRequests + 1
    this.#furthest = Math.max(this.#furthest, message.from)
    if (this.#vainRequests > vainRequestsMax) {
      this.#onUnusable(refused(blockPath(message.from), 'no attested chain leads on from here'))
      return
    }
    this.#answer(message.from).catch(this.#onUnusable)
  }

  async #answer(from: number): Promise<void> {
    const { blocks, attestation, certificate, refounding } = await this.#stretchFrom(from)
    const answer = {
      kind: 'blocks-response' as const,
      from: heightOf(from),
      blocks: blocks.map(({ bytes }) => bytes),
      ...(attestation === undefined ? {} : { attestation }),
      ...(certificate === undefined ? {} : { certificate }),
    }
    this.#handlers?.onMessage(exportPeer, 'bulk', encodeMessage(answer), () => undefined)
    if (refounding === undefined) return
    // As a member does that has gone on without the one who asks.
    this.#handlers?.onMessage(exportPeer, 'control', encodeMessage({ kind: 'refounding', refounding }), () => undefined)
  }

  /**
   * As many blocks as fit, cut at the last that is proven, if any is: by an attestation, which travels in a later block or is the checkpoint's, or
   * as the base of the term that begins above it. Without the bases a long run of terms in which nothing was recorded would be too much to hold.
   */
  async #stretchFrom(from: number): Promise<Stretch> {
    const blocks: Block[] = []
    const attested = new Map<number, Attestation>([[this.#end.size, this.#end.attestation]])
    const bases = new Map<string, BlockCertificate>()
    let bytes = 0
    let isFull = false
    let size = from === 1 ? 1 : (await this.#block(from - 1))?.header.size
    const provable = (): Proof | undefined => {
      for (let at = blocks.length - 1; at >= 0; at--) {
        const { id, header } = blocks[at]!
        // Only a block that added records is named by its checkpoint.
        const before = at === 0 ? size : blocks[at - 1]!.header.size
        const attestation = header.size === before ? undefined : attested.get(header.size)
        const certificate = bases.get(id)
        if (attestation === undefined && certificate === undefined) continue
        blocks.length = at + 1
        return attestation === undefined ? { certificate: certificate! } : { attestation }
      }
      return undefined
    }
    for (let height = from; height < from + blocks.length + lookAheadBlocks; height++) {
      const last = blocks.at(-1)
      if (last !== undefined && last.header.size >= this.#end.size) break
      const block = await this.#block(height)
      if (block === undefined) {
        if (last === undefined && (size ?? 0) >= this.#end.size) return { blocks, attestation: this.#end.attestation }
        throw new ImportRefused('import.incomplete', `${blockPath(height)} is not there`)
      }
      const { attestation, base } = block.carried
      if (attestation !== undefined) attested.set(attestation.size, attestation)
      if (base?.signed.kind === 'lock') bases.set(certifiedBlock(base).id, base)
      const isNext = blocks.length > 0 && blocks[0]!.header.epoch !== block.header.epoch
      const { refounding } = block.carried
      if (isNext && refounding !== undefined) {
        const { attestation: start } = refoundingIn(refounding, height)
        attested.set(start.size, start)
        return { blocks, refounding, ...provable() }
      }
      isFull ||= isNext || (blocks.length > 0 && bytes + block.bytes.length > catchUpBytes)
      if (!isFull) {
        blocks.push(block)
        bytes += block.bytes.length
      } else if (attestation !== undefined || base !== undefined || isNext) {
        const found = provable()
        if (found !== undefined) return { blocks, ...found }
      }
    }
    size ??= 0
    return { blocks, ...provable() }
  }

  /** Undefined when the export ends below. */
  async #block(height: number): Promise<Block | undefined> {
    const bundle = await this.#bundle(bundleOf(height))
    const bytes =
      bundle === undefined
        ? await pieceIn(this.#source, blockPath(height), blockBytesMax)
        : bundle[height - bundleStart(bundleOf(height))]
    if (bytes === undefined) return undefined
    try {
      return decodeBlock(bytes, this.#context)
    } catch (error) {
      if (error instanceof CborError || error instanceof RangeError) throw refused(blockPath(height), error.message)
      throw error
    }
  }

  #bundle(index: number): Promise<readonly Uint8Array[] | undefined> {
    let held = this.#bundles.get(index)
    if (held === undefined) {
      const path = blockBundlePath(index)
      held = pieceIn(this.#source, path, blockBundleBytesMax).then((bytes) => {
        if (bytes === undefined) return undefined
        try {
          return decodeBlockBundle(bytes)
        } catch (error) {
          if (error instanceof VerificationError) throw refused(path, error.message)
          throw error
        }
      })
      this.#bundles.set(index, held)
      if (this.#bundles.size > bundlesHeld) this.#bundles.delete(this.#bundles.keys().next().value!)
    }
    return held
  }
}

/** Of the last block of a stretch. */
interface Proof {
  readonly attestation?: Attestation
  readonly certificate?: BlockCertificate
}

interface Stretch extends Proof {
  readonly blocks: readonly Block[]
  /** The next block is the first of an epoch that governance began. */
  readonly refounding?: Uint8Array
}

function refoundingIn(bytes: Uint8Array, height: number): Refounding {
  try {
    return decodeRefounding(bytes)
  } catch (error) {
    if (error instanceof CborError) throw refused(blockPath(height), error.message)
    throw error
  }
}

/** A stretch of half a megabyte and the blocks looked at behind it span few bundles, each of 16 MiB at worst. */
const bundlesHeld = 4

/** @throws {ImportRefused} import.incomplete where there is none */
export async function pieceOf(source: Source, path: string, bytesMax: number): Promise<Uint8Array> {
  const bytes = await pieceIn(source, path, bytesMax)
  if (bytes === undefined) throw new ImportRefused('import.incomplete', `${path} is not there`)
  return bytes
}

async function pieceIn(source: Source, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  try {
    return await source.get(path, bytesMax)
  } catch (error) {
    if (error instanceof NoAnswer) throw new ImportRefused('import.incomplete', error.message)
    if (error instanceof WrongAnswer) throw refused(path, error.message)
    throw error
  }
}

const refused = (path: string, detail: string): ImportRefused =>
  new ImportRefused('import.refused', `${path}: ${detail}`)
