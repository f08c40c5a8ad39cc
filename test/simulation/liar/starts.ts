/** Lies about who starts: a disk that is empty or old under a hello that claims everything; and a fence that lets nobody in. */
import type { MemoryMedium } from '../../../src/node/memory-disk.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import type { Liar, Lie } from './liar.ts'

/** Forgets what it signed, and starts as if it had not. */
export class Amnesia implements Lie {
  readonly #liar: Liar
  readonly #backups: MemoryMedium[] = []
  #lastAt = 0

  constructor(liar: Liar) {
    this.#liar = liar
  }

  turn(): void {
    const liar = this.#liar
    if (liar.chance(20)) {
      this.#backups.push(liar.medium.copy())
      if (this.#backups.length > 3) this.#backups.splice(liar.random.below(3), 1)
    }
    if (liar.now - this.#lastAt < 1_500 || !liar.chance(15)) return
    this.#lastAt = liar.now
    const isEmpty = this.#backups.length === 0 || liar.chance(400)
    liar.strike('amnesia')
    if (isEmpty) liar.strike('amnesia empty')
    liar.restart(isEmpty ? 'empty' : liar.pick(this.#backups).copy())
  }
}

const codes = [
  'node.incarnation-reused',
  'node.term-rolled-back',
  'node.lock-rolled-back',
  'node.register-rolled-back',
  'nonsense',
]

/** Refuses everybody's start, stores nobody's, and repeats what others said of themselves. */
export class FalseFence implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hears(from: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'hello') return message
    liar.strike('false-fence')
    const { incarnation } = message
    for (let i = 0; i < 3; i++) liar.say(from, { kind: 'hello-refused', incarnation, code: liar.pick(codes) })
    // Without having stored anything, and of starts that never were.
    if (liar.chance(400))
      liar.say(from, { kind: 'hello-stored', incarnation: liar.pick([incarnation, incarnation + 1, 0]) })
    return undefined
  }

  turn(): void {
    const liar = this.#liar
    if (!liar.chance(15)) return
    const hellos = [...liar.known.hellos.values()]
    if (hellos.length === 0) return
    const hello = liar.pick(hellos)
    liar.tell(liar.some(), liar.chance(500) ? hello : { ...hello, incarnation: hello.incarnation + 1 })
    liar.strike('false-fence replay')
  }
}
