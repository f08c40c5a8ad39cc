/** Lies about how far one is: commits, locks, positions and heads out of the air; certificates that are short; cosignatures of anything. */
import type { BlockCertificate } from '../../../src/chain/certificate.ts'
import type { Height, Term } from '../../../src/chain/numbers.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import { type Liar, type Lie, refAt } from './liar.ts'

const someHash = (liar: Liar): string => Buffer.from(liar.random.bytes(32)).toString('hex')

/** A number near the truth or very far from it. */
function near(liar: Liar, truth: number): number {
  return Math.max(0, liar.pick([truth - 3, truth - 1, truth, truth + 1, truth + 2, truth + 70, truth + 5_000, 2 ** 48]))
}

export class FalseCommit implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(_to: MemberId, message: WireMessage): WireMessage {
    const liar = this.#liar
    const isHeartbeat = message.kind === 'heartbeat' || message.kind === 'heartbeat-reply'
    if (!isHeartbeat || !liar.chance(300)) return message
    liar.strike('false-commit')
    const commit = near(liar, message.commit) as Height
    const lock = { term: near(liar, message.lock.term) as Term, height: near(liar, message.lock.height) as Height }
    if (message.kind === 'heartbeat') {
      return {
        ...message,
        commit,
        lock,
        certified: near(liar, message.certified) as Height,
        round: near(liar, message.round),
      }
    }
    const position = liar.chance(500)
      ? { height: near(liar, message.position?.height ?? 1) as Height, id: someHash(liar) }
      : message.position && { ...message.position, height: near(liar, message.position.height) as Height }
    const { position: _, ...rest } = message
    return { ...rest, commit, lock, round: near(liar, message.round), ...(position === undefined ? {} : { position }) }
  }

  hears(from: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'read-request' || !liar.chance(500)) return message
    const height = near(liar, liar.replica?.raft.commit ?? 1) as Height
    liar.say(from, { kind: 'read-reply', context: message.context, height })
    liar.strike('false-commit read')
    return undefined
  }

  turn(): void {
    const liar = this.#liar
    const raft = liar.replica?.raft
    if (raft === undefined || !liar.chance(60)) return
    const certificate = this.#forged()
    liar.strike('false-commit certificate')
    if (certificate !== undefined) liar.tell(liar.some(), { kind: 'certified', certificate })
    const height = near(liar, raft.commit) as Height
    const reply = { kind: 'read-reply', context: liar.random.below(50), height } as const
    if (liar.chance(300)) liar.tell(liar.some(), reply)
  }

  /** Too few signatures, one of them doubled, one in another's name, or good ones under something else. */
  #forged(): BlockCertificate | undefined {
    const liar = this.#liar
    const { certificates } = liar.known
    if (certificates.length === 0) return undefined
    const real = liar.pick(certificates)
    const { signed, signatures } = real
    switch (liar.random.below(5)) {
      case 0:
        return { ...real, signatures: signatures.slice(0, liar.known.quorum - 1) } as BlockCertificate
      case 1:
        return { ...real, signatures: signatures.map(() => signatures[0]!) } as BlockCertificate
      case 2: {
        const mine = signatures[0]!.signature
        return {
          ...real,
          signatures: signatures.map(({ member }) => ({ member, signature: mine })),
        } as BlockCertificate
      }
      case 3: {
        const block = refAt(signed.block.term + 1, signed.block.height, signed.block.id)
        return { ...real, signed: { ...signed, block } } as BlockCertificate
      }
      default: {
        const block = refAt(liar.term, near(liar, signed.block.height), someHash(liar))
        const lock = { kind: 'lock', block } as const
        return { signed: lock, signatures: liar.known.countersign(lock) }
      }
    }
  }
}

export class FalseCosign implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(_to: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'cosignature') return message
    switch (liar.random.below(5)) {
      case 0:
        liar.strike('false-cosign root')
        return liar.cosigned(message.size, someHash(liar))
      case 1:
        liar.strike('false-cosign time')
        return liar.cosigned(
          message.size,
          message.root,
          liar.pick([0, message.time + 10 ** 6, Number.MAX_SAFE_INTEGER]),
        )
      case 2:
        liar.strike('false-cosign withheld')
        return undefined
      default:
        return message
    }
  }

  turn(): void {
    const liar = this.#liar
    const { replica } = liar
    if (replica === undefined || !liar.chance(60)) return
    liar.strike('false-cosign')
    const { frontier, root } = replica.ledger.committed
    const tip = replica.ledger.point(replica.raft.tail.id)
    const to = liar.some(600)
    switch (liar.random.below(6)) {
      case 0: // not committed yet
        if (tip !== undefined) liar.tell(to, liar.cosigned(tip.frontier.size, tip.root))
        return
      case 1: // two roots for what comes next
        for (let i = 0; i < 2; i++) liar.tell(to, liar.cosigned(frontier.size + 2, someHash(liar)))
        return
      case 2:
        return liar.tell(to, liar.cosigned(liar.pick([2 ** 40, Number.MAX_SAFE_INTEGER]), root))
      case 3:
        return liar.tell(to, liar.cosigned(liar.random.below(frontier.size + 1), root))
      case 4: {
        const bad = { ...liar.cosigned(frontier.size, root), signature: new Uint8Array(64) }
        return liar.tell(to, bad)
      }
      default: {
        // Certificates of one's own making.
        const { attestations } = liar.known
        if (attestations.length === 0) return
        const real = liar.pick(attestations)
        const lie = liar.pick([
          { ...real, cosignatures: real.cosignatures.slice(1) },
          { ...real, root: someHash(liar) },
          { ...real, size: real.size + 2 },
          { ...real, cosignatures: real.cosignatures.map((c) => ({ ...c, time: c.time + 1 })) },
        ])
        return liar.tell(to, { kind: 'attestation', attestation: lie })
      }
    }
  }
}
