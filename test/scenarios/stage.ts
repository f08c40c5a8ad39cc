/**
 * The stage of a scenario: the world of consensus cores with nothing left to chance. No time passes and no message arrives unless the
 * script says so; a disk writes at once unless it is held. What happens is told line by line, and every invariant of the world is
 * checked along the way. Members may be made to lie: their core runs like everybody's, and they say in addition what the script wants.
 */
import type { BlockCertificate, Signable } from '../../src/chain/certificate.ts'
import { faultsOf, type Height } from '../../src/chain/numbers.ts'
import type { Effect } from '../../src/consensus/effect.ts'
import type { BlockMeta, MemberId } from '../../src/consensus/message.ts'
import { type CoreNode, isGenuineMessage, World } from '../consensus/core-world.ts'
import type { Payload } from '../consensus/payload.ts'
import { kindOf, wordsOfEffect, wordsOfPayload, wordsOfSignable } from './words.ts'

interface InFlight {
  readonly from: MemberId
  readonly to: MemberId
  readonly payload: Payload
}

export interface StageOptions {
  readonly names: readonly MemberId[]
  readonly liars: readonly MemberId[]
  readonly windowBytes: number
}

/** Which of the messages in flight are meant: absent means any. */
export interface Selection {
  readonly kind?: string
  readonly from?: MemberId
  readonly to?: MemberId
  readonly among?: readonly MemberId[]
}

/** Beyond its ten ticks a member draws this many, and one for each member before it in the list: no two stand at the same tick. */
const firstDraw = 3
const deliveriesMax = 200_000

export class Stage extends World {
  readonly #liars: readonly MemberId[]
  #told: string[] = []
  #tellsOnce = false
  /** The last line, while the same may be said to more members. */
  #saying: { readonly from: MemberId; readonly words: string; readonly to: MemberId[]; readonly lost: boolean } | null =
    null
  #appending: { readonly node: CoreNode; readonly first: string; line: string } | null = null
  #inFlight: InFlight[] = []
  readonly #draws = new Map<MemberId, number>()
  readonly #signed = new Map<MemberId, string[]>()
  showsHeartbeats = false

  constructor({ names, liars, windowBytes }: StageOptions) {
    super({
      seed: 1,
      memberCount: names.length,
      names,
      scriptedLiars: liars,
      windowBytes,
      delayMs: [0, 0],
      diskMs: [0, 0],
      byHand: true,
    })
    this.#liars = liars
    for (const node of this.honest) this.start(node)
  }

  // ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What has happened since the last take. */
  take(): readonly string[] {
    this.#endSaying()
    const told = this.#told
    this.#told = []
    this.#tellsOnce = false
    return told
  }

  tell(line: string): void {
    this.#endSaying()
    this.#put(line)
  }

  /** From here to the next take, what is said twice is told once. */
  tellOnce(): void {
    this.#tellsOnce = true
  }

  #put(line: string): void {
    if (!this.#tellsOnce || !this.#told.includes(line)) this.#told.push(line)
  }

  #say(from: MemberId, to: MemberId, words: string, lost: boolean): void {
    const last = this.#saying
    if (last !== null && last.from === from && last.words === words && last.lost === lost && !last.to.includes(to)) {
      last.to.push(to)
      return
    }
    this.#endSaying()
    this.#saying = { from, words, to: [to], lost }
  }

  /** Blocks appended one after the other are one line. */
  #tellAppend(node: CoreNode, id: string): void {
    const suffix = node.diskHeld ? ' (not on disk yet)' : ''
    const run = this.#appending
    if (run !== null && run.node === node && this.#saying === null && this.#told.at(-1) === run.line) {
      run.line = `${node.id} appends ${run.first}…${id}${suffix}`
      this.#told[this.#told.length - 1] = run.line
      return
    }
    const line = `${node.id} appends ${id}${suffix}`
    this.tell(line)
    this.#appending = { node, first: id, line }
  }

  #endSaying(): void {
    if (this.#saying === null) return
    const { from, words, to, lost } = this.#saying
    this.#saying = null
    const all = to.length === this.members.length - 1 && to.length > 1
    this.#put(`${from} ${lost ? '✗' : '→'} ${all ? 'all' : to.join(', ')}: ${words}`)
  }

  protected override trace(node: CoreNode, effect: Effect): void {
    if (effect.kind === 'truncate') {
      const dropped = node.chain.slice(effect.above + 1).map(({ id }) => id)
      return this.tell(`${node.id} drops ${dropped.join(' ')}`)
    }
    if (effect.kind === 'append' && this.evidence.sealers.get(effect.block.id) === node.id) return
    if (effect.kind === 'append') return this.#tellAppend(node, effect.block.id)
    const words = wordsOfEffect(effect)
    if (words === undefined) return
    const isWrite = effect.kind === 'save-vote' || effect.kind === 'save-lock'
    this.tell(`${node.id} ${words}${isWrite && node.diskHeld ? ' (not on disk yet)' : ''}`)
  }

  protected override onSigned(node: CoreNode, signable: Signable): void {
    this.noteSigned(node.id, signable)
    if (signable.kind === 'vote' && signable.candidate === node.id)
      this.tell(`${node.id} signs ${wordsOfSignable(signable)}`)
    if (signable.kind === 'ack' && node.core.role === 'leader')
      this.tell(`${node.id} signs ${wordsOfSignable(signable)}`)
    if (this.members.length === 1 && signable.kind === 'lock')
      this.tell(`${node.id} signs ${wordsOfSignable(signable)}`)
  }

  noteSigned(id: MemberId, signable: Signable): void {
    const signed = this.#signed.get(id) ?? []
    const words = wordsOfSignable(signable)
    if (!signed.includes(words)) signed.push(words)
    this.#signed.set(id, signed)
  }

  signedBy(id: MemberId): readonly string[] {
    return this.#signed.get(id) ?? []
  }

  protected override onHalt(node: CoreNode, reason: string): void {
    if (this.#liars.length <= faultsOf(this.members.length)) super.onHalt(node, reason)
  }

  // ── what the script decides instead of chance ─────────────────────────────────────────────────────────────────────────────────

  protected override chanceOf(id: MemberId): (limit: number) => number {
    return (limit) => Math.min(this.#draws.get(id) ?? firstDraw + this.members.indexOf(id), limit - 1)
  }

  /** Time-outs of this member are this many ticks from its next one on. */
  setTimeout(id: MemberId, ticks: number): void {
    this.#draws.set(id, ticks - 10)
  }

  protected override nextBlock(node: CoreNode): BlockMeta {
    const parent = node.core.tail
    const { term } = node.core
    const height = (parent.height + 1) as Height
    const id = `${term}.${height}`
    this.tell(`${node.id} seals ${id} on ${parent.id}`)
    return { term, height, id, parent: parent.id, bytes: 100 }
  }

  /** Whoever has it and can be reached. */
  protected override pickSource(others: readonly MemberId[], certificate: BlockCertificate): MemberId {
    const { height, id } = certificate.signed.block
    return others.find((other) => this.node(other).up && this.node(other).chain[height]?.id === id) ?? others[0]!
  }

  // ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override send(from: MemberId, to: MemberId, payload: Payload): void {
    const isOpen = this.isOpen(from, to)
    // To a member that is down nothing is sent; into a cut link it is, and nobody knows that it is lost.
    if (!isOpen && !this.isConnected(from, to)) return
    if (this.#isTold(payload)) this.#say(from, to, wordsOfPayload(payload), !isOpen)
    if (isOpen) this.#inFlight.push({ from, to, payload })
  }

  #isTold(payload: Payload): boolean {
    return this.showsHeartbeats || payload.kind !== 'message' || !payload.message.kind.startsWith('heartbeat')
  }

  protected override onBroken(a: MemberId, b: MemberId): void {
    this.#inFlight = this.#inFlight.filter(({ from, to }) => !((from === a && to === b) || (from === b && to === a)))
  }

  /** The next block of this leader. */
  seal(node: CoreNode): void {
    this.propose(node, [])
  }

  /** What comes of one event before the next: disks write and keys sign. */
  settle(): void {
    this.run(10)
  }

  /** Takes one tick of this member's clock. */
  tickOnce(node: CoreNode): void {
    this.act(node, (raft) => raft.tick())
    this.settle()
  }

  /** Delivers what is selected and in flight now, in the order it was sent; what it causes stays in flight. */
  deliverNow(selection: Selection, keep = false): void {
    const chosen = this.select(selection)
    if (!keep) this.#inFlight = this.#inFlight.filter((message) => !chosen.includes(message))
    for (const message of chosen) this.#arrive(message)
  }

  /** Delivers until nothing that is selected is in flight. */
  stabilize(selection: Selection = {}): void {
    for (let count = 0; count < deliveriesMax; count++) {
      const at = this.#inFlight.findIndex((message) => isSelected(message, selection))
      if (at < 0) return
      const [next] = this.#inFlight.splice(at, 1)
      this.#arrive(next!)
    }
    throw new Error('messages without end')
  }

  drop(selection: Selection): void {
    const chosen = this.select(selection)
    this.#inFlight = this.#inFlight.filter((message) => !chosen.includes(message))
    for (const { from, to, payload } of chosen)
      if (this.#isTold(payload)) this.#say(from, to, wordsOfPayload(payload), true)
  }

  select(selection: Selection): readonly InFlight[] {
    return this.#inFlight.filter((message) => isSelected(message, selection))
  }

  #arrive({ from, to, payload }: InFlight): void {
    if (!this.isOpen(from, to)) return
    const isForged = payload.kind === 'message' && !isGenuineMessage(this.evidence, from, payload.message)
    if (isForged) this.tell(`${to} throws away a forged ${wordsOfPayload(payload)}`)
    this.deliver(this.node(to), from, payload)
    this.settle()
  }
}

const isSelected = ({ from, to, payload }: InFlight, selection: Selection): boolean =>
  (selection.kind === undefined || kindOf(payload) === selection.kind) &&
  (selection.from === undefined || from === selection.from) &&
  (selection.to === undefined || to === selection.to) &&
  (selection.among === undefined || (selection.among.includes(from) && selection.among.includes(to)))
