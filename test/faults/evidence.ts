/**
 * What the members' keys have put their names to, as far as anybody outside can see it: blocks with their seals, the certificates and batches
 * in them, checkpoints with their cosignatures. Every signature is checked first, because only a signature is evidence; then protocol rule 30
 * is asked of all of it together. An honest node makes no contradiction, whatever was done to it.
 */
import type { Attestation, Block } from '../../src/chain/block.ts'
import { blockSealMessage } from '../../src/chain/block.ts'
import { fromHex, toHex } from '../../src/chain/bytes.ts'
import { type Certificate, type Signable, type SigningContext, signableMessage } from '../../src/chain/certificate.ts'
import {
  cosignatureMessage,
  cosignerVerifierKey,
  formatCheckpoint,
  parseCheckpoint,
  parseCosignature,
} from '../../src/chain/checkpoint.ts'
import type { Genesis } from '../../src/chain/genesis.ts'
import { keyFromKid, type TaggedKey, verifySignature } from '../../src/chain/keys.ts'
import { parseNote } from '../../src/chain/note.ts'
import { SignatureBook } from '../node/signature-book.ts'

interface Keys {
  readonly seal: TaggedKey
  readonly cosign: TaggedKey
  /** Of its cosignature lines. */
  readonly keyId: number
}

export class Evidence {
  readonly #genesis: Genesis
  readonly #context: SigningContext
  readonly #keys: ReadonlyMap<string, Keys>
  readonly #book = new SignatureBook()
  readonly #bad: string[] = []
  /** By member and size. */
  readonly #cosigned = new Map<string, string>()
  readonly #seen = new Set<string>()
  /** Roots by size, of all that was signed. */
  readonly roots = new Map<number, string>()

  constructor(genesis: Genesis) {
    this.#genesis = genesis
    this.#context = { ledger: genesis.ledger, epoch: 0 }
    this.#keys = new Map(
      genesis.members.map(({ id, node }) => {
        const cosign = keyFromKid(node.cosign)!
        const { keyId } = cosignerVerifierKey(`${genesis.origin}/${id}`, cosign)
        return [id, { seal: keyFromKid(node.seal)!, cosign, keyId }]
      }),
    )
  }

  /** Two statements of one key that contradict each other, and signatures that are none. */
  get contradictions(): readonly string[] {
    return [...this.#bad, ...this.#book.contradictions]
  }

  get signatures(): number {
    return this.#seen.size
  }

  noteBlock(block: Block): void {
    const { header, seal, carried, batches } = block
    this.#sealed(header.leader, blockSealMessage(this.#context, header), seal, `SEAL of block ${header.height}`)
    for (const batch of batches) this.#sealed(batch.member, batch.message, batch.signature, 'BATCH')
    if (carried.election !== undefined) this.#noteCertificate(carried.election)
    if (carried.base !== undefined) this.#noteCertificate(carried.base)
    if (carried.attestation !== undefined) this.#noteAttestation(carried.attestation)
  }

  /** A checkpoint as it was served; its log line says nothing that contradicts (rule 30). */
  noteCheckpoint(text: string): void {
    const note = parseNote(text)
    const { size, root } = parseCheckpoint(note.text)
    for (const { name, keyId, signature } of note.signatures) {
      const member = this.#genesis.members.find(({ id }) => name === `${this.#genesis.origin}/${id}`)?.id
      if (member === undefined || keyId !== this.#keys.get(member)!.keyId) continue
      const parts = parseCosignature(signature)
      if (parts === undefined) this.#bad.push(`a cosignature by ${member} that is none`)
      else this.#cosignature(member, Number(size), toHex(root), parts.timeSeconds, parts.signature)
    }
  }

  #noteCertificate({ signed, signatures }: Certificate<Signable>): void {
    const message = signableMessage(this.#context, signed)
    for (const { member, signature } of signatures) this.#sealed(member, message, signature, signed.kind)
  }

  #noteAttestation({ size, root, cosignatures }: Attestation): void {
    for (const { member, time, signature } of cosignatures) this.#cosignature(member, size, root, time, signature)
  }

  #sealed(member: string, message: Uint8Array, signature: Uint8Array, what: string): void {
    if (this.#isKnown(member, signature)) return
    if (!verifySignature(this.#keys.get(member)!.seal, message, signature)) {
      this.#bad.push(`${what}: not signed by ${member}`)
    } else {
      this.#book.note(member, 'seal', message)
    }
  }

  /** Two roots for one size contradict each other, under whatever keys; the times may differ (decision 0005). */
  #cosignature(member: string, size: number, root: string, time: number, signature: Uint8Array): void {
    if (this.#isKnown(member, signature)) return
    const text = formatCheckpoint({ origin: this.#genesis.origin, size, root: fromHex(root)! })
    if (!verifySignature(this.#keys.get(member)!.cosign, cosignatureMessage(time, text), signature)) {
      this.#bad.push(`size ${size}: not cosigned by ${member}`)
      return
    }
    const own = this.#cosigned.get(`${member} ${size}`)
    if (own !== undefined && own !== root) this.#bad.push(`${member}: two roots for size ${size}`)
    this.#cosigned.set(`${member} ${size}`, root)
    const held = this.roots.get(size)
    if (held !== undefined && held !== root) this.#bad.push(`size ${size} was cosigned with two roots`)
    this.roots.set(size, root)
  }

  /** Signatures repeat: a certificate is shown with every record that it covers. */
  #isKnown(member: string, signature: Uint8Array): boolean {
    const name = `${member} ${toHex(signature)}`
    if (this.#seen.has(name)) return true
    this.#seen.add(name)
    return false
  }
}
