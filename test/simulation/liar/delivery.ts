/** Lies about what was sent: kept back, late, again, flooded, broken. */
import type { Lane, MemberId } from '../../../src/node/ports.ts'
import { encodeMessage, type WireMessage } from '../../../src/node/wire.ts'
import type { Liar, Lie } from './liar.ts'

const droppable: readonly WireMessage['kind'][] = [
  'block',
  'ack',
  'lock',
  'certified',
  'cosignature',
  'heartbeat',
  'heartbeat-reply',
  'elected',
  'vote-reply',
  'vote-request',
  'batch',
  'attestation',
  'blocks-response',
  'read-reply',
  'handover',
]

/** Some kinds of messages do not reach some members; a leader sits on batches; batches of others are handed on late, or in floods. */
export class Withhold implements Lie {
  readonly #liar: Liar
  #dropped = new Set<string>()
  #drawnUntil = 0
  #sitsOnBatches = false

  constructor(liar: Liar) {
    this.#liar = liar
  }

  #isDropped(kind: WireMessage['kind'], to: MemberId): boolean {
    const liar = this.#liar
    if (liar.now >= this.#drawnUntil) {
      this.#drawnUntil = liar.now + 500 + liar.random.below(5_000)
      this.#dropped = new Set()
      this.#sitsOnBatches = liar.chance(400)
      const kinds = droppable.filter(() => liar.chance(200))
      for (const name of kinds) for (const other of liar.some(500)) this.#dropped.add(`${name} ${other}`)
    }
    return this.#dropped.has(`${kind} ${to}`)
  }

  says(to: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (!this.#isDropped(message.kind, to)) return message
    liar.strike('withhold')
    // Blocks of one term may so arrive together with those of the next.
    if (liar.chance(400)) liar.later(300 + liar.random.below(6_000), () => liar.say(to, message))
    return undefined
  }

  hears(_from: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'batch') return message
    if (liar.chance(200)) {
      const to = liar.some()
      liar.later(1_000 + liar.random.below(8_000), () => liar.tell(to, { ...message, handOn: liar.chance(500) }))
    }
    if (!this.#sitsOnBatches) return message
    liar.strike('withhold batch')
    return undefined
  }

  turn(): void {
    const liar = this.#liar
    const batches = [...liar.known.batches.values()]
    if (batches.length === 0 || !liar.chance(10)) return
    const to = liar.pick(liar.others)
    for (let i = 0; i < 60; i++) liar.say(to, { kind: 'batch', handOn: true, batch: liar.pick(batches).bytes })
    liar.strike('withhold flood')
  }
}

interface Kept {
  readonly lane: Lane
  readonly bytes: Uint8Array
}

/** Says again what was said: its own, and of others what nobody signed or what is signed by others. */
export class Replay implements Lie {
  readonly #liar: Liar
  readonly #kept: Kept[] = []

  constructor(liar: Liar) {
    this.#liar = liar
  }

  #keep(lane: Lane, bytes: Uint8Array): void {
    if (!this.#liar.chance(100)) return
    this.#kept.push({ lane, bytes })
    if (this.#kept.length > 150) this.#kept.splice(this.#liar.random.below(75), 1)
  }

  sends(_to: MemberId, lane: Lane, bytes: Uint8Array): Uint8Array {
    this.#keep(lane, bytes)
    return bytes
  }

  hears(_from: MemberId, message: WireMessage): WireMessage {
    this.#keep('control', encodeMessage(message))
    return message
  }

  turn(): void {
    const liar = this.#liar
    if (this.#kept.length === 0 || !liar.chance(150)) return
    for (let i = liar.random.below(5); i >= 0; i--) {
      const { lane, bytes } = liar.pick(this.#kept)
      liar.sayBytes(liar.pick(liar.others), lane, bytes)
    }
    liar.strike('replay')
  }
}

/** Bytes that are no message, or nearly one. */
export class Malformed implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  sends(_to: MemberId, _lane: Lane, bytes: Uint8Array): Uint8Array {
    const liar = this.#liar
    if (!liar.chance(30) || bytes.length === 0) return bytes
    liar.strike('malformed')
    const bent = bytes.slice()
    switch (liar.random.below(4)) {
      case 0:
        return bent.subarray(0, liar.random.below(bent.length))
      case 1:
        return Uint8Array.from([...bent.subarray(0, 200), ...liar.random.bytes(3)])
      default:
        bent[liar.random.below(bent.length)]! ^= 1 << liar.random.below(8)
        return bent
    }
  }

  turn(): void {
    const liar = this.#liar
    if (!liar.chance(40)) return
    const lane = liar.pick<Lane>(['control', 'append', 'bulk'])
    const bytes = liar.pick([
      liar.random.bytes(liar.random.below(300)),
      Uint8Array.of(liar.pick([0x9b, 0x5b, 0x7b, 0x9a, 0xbb]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      new Uint8Array(5_000).fill(0x81),
      new Uint8Array(),
    ])
    liar.sayBytes(liar.pick(liar.others), lane, bytes)
    liar.strike('malformed')
  }
}
