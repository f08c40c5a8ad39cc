/**
 * The clients: they submit, read, and remember every answer that they ever got. An answer is given as the API gives it: a receipt once it is
 * durable, a record once it is attested. What they did goes into a history for the linearizability checker.
 */

import type { Pending } from '../../src/node/intake.ts'
import type { MemberId } from '../../src/node/ports.ts'
import type { LedgerInput, LedgerOperation, LedgerOutput } from '../linearizability/ledger-history.ts'
import type { NodeProcess } from './node-process.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

interface Call {
  readonly input: LedgerInput
  readonly invokedAt: number
  readonly session?: string
  readonly mayBeStale?: boolean
  answered: { readonly at: number; readonly output: LedgerOutput } | undefined
}

/** Calls back once this holds at a process; forgotten when the process ends. */
interface Waiting {
  readonly isReady: () => boolean
  readonly then: () => void
}

/** A receipt that somebody holds: the ledger owes an answer. */
export interface Promised {
  readonly member: MemberId
  /** The node that gave it: another one in its place does not know of it. */
  readonly node: string
  readonly statement: string
  readonly by: number
}

export class Client implements Watch {
  readonly #world: World
  readonly #calls: Call[] = []
  readonly #waiting = new Map<NodeProcess, Waiting[]>()
  readonly promised: Promised[] = []
  /** In the order of the events: ties in virtual milliseconds are kept apart. */
  #moment = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Somebody got a record for a statement under this key. */
  isAnswered(key: string): boolean {
    return this.#calls.some((call) => isSubmission(call, key) && call.answered?.output.kind === 'record')
  }

  /** Somebody posted a statement under this key, and was not turned away. */
  isAsked(key: string): boolean {
    return this.#calls.some((call) => isSubmission(call, key))
  }

  get history(): readonly LedgerOperation[] {
    return this.#calls
  }

  /** Somebody posts a statement; false when nobody is there to take it. */
  submit(at: MemberId, owner: MemberId, key: string, value: string): boolean {
    const { process } = this.#world.machine(at)
    if (process?.isStarted !== true || process.isPaused) return false
    const jws = this.#world.statement(owner, key, value)
    const statement = this.#world.statementId(jws)
    // What a liar answers is nobody's promise; what it passes on still counts as sent.
    const call = this.#call({ kind: 'submit', key: `${owner} ${key}`, value: statement })
    process.submit(jws, (result) => {
      if (!this.#world.isHonest(process)) return
      switch (result.kind) {
        case 'refused':
          if (result.code === 'statement.key-reused') this.#answer(call, { kind: 'key-taken', index: undefined }, true)
          else this.#withdraw(call)
          return this.#world.answer({ kind: 'rejected', member: at, statement, code: result.code })
        case 'known':
          return this.#whenAttested(process, result.index, () => this.#record(process, call, statement, result.index))
        case 'taken':
          return this.#receipt(process, call, statement, result.pending)
      }
    })
    return true
  }

  /** Somebody looks a statement up: where this node stands, or as of now by asking the others. */
  read(at: MemberId, owner: MemberId, key: string, value: string, newest: boolean): boolean {
    const { process, isDamaged } = this.#world.machine(at)
    // A row that vanished beneath a running node is missed at its next start only: until then it may say "not that I know".
    if (process?.isStarted !== true || process.isPaused || isDamaged || !this.#world.isHonest(process)) return false
    const statement = this.#world.statementId(this.#world.statement(owner, key, value))
    const input: LedgerInput = { kind: 'read', key: `${owner} ${key}`, value: statement }
    const session = `${process.name} ${process.replica.incarnation}`
    const call = newest ? this.#call(input) : this.#call(input, { session, mayBeStale: true })
    const look = (mayBeStale = false): void => {
      const index = process.replica.store.indexOfStatement(statement)
      this.#answer(call, index === undefined ? { kind: 'absent' } : { kind: 'record', index }, mayBeStale)
      this.#world.answer({ kind: 'read', member: at, statement, index })
    }
    if (!newest) look()
    else {
      process.readIndex((height) => {
        // The leader is believed: one that lies can name a height that is no longer the newest (`Raft.readIndex`).
        const { leader } = process.replica.raft
        const isToldByLiar = leader !== null && this.#world.machine(leader).isLiar
        this.#when(
          process,
          () => process.replica.ledger.committed.block.height >= height,
          () => look(isToldByLiar),
        )
      })
    }
    return true
  }

  // ── as a watch ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  turned(process: NodeProcess): void {
    const waiting = this.#waiting.get(process)
    if (waiting === undefined || !process.isStarted) return
    // Asked at every event, and nearly always in vain.
    if (!waiting.some(({ isReady }) => isReady())) return
    const ready = waiting.filter(({ isReady }) => isReady())
    this.#waiting.set(
      process,
      waiting.filter((each) => !ready.includes(each)),
    )
    for (const { then } of ready) then()
  }

  /** The connection breaks; what was asked may still come about. */
  ended(process: NodeProcess): void {
    this.#waiting.delete(process)
  }

  // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #receipt(process: NodeProcess, call: Call, statement: string, pending: Pending): void {
    const { by } = pending.receipt
    const { member, node } = process
    this.promised.push({ member, node, statement, by })
    this.#world.answer({ kind: 'receipt', member, statement, by })
    this.#when(
      process,
      () => pending.settlement !== undefined,
      () => {
        const settlement = pending.settlement!
        this.#whenAttested(process, settlement.index, () => {
          if (settlement.kind === 'record') return this.#record(process, call, statement, settlement.index)
          const { code, index } = settlement
          this.#answer(
            call,
            code === 'statement.key-reused' ? { kind: 'key-taken', index } : { kind: 'refused', index },
          )
          this.#world.answer({ kind: 'refusal', member, statement, index, code })
        })
      },
    )
  }

  #record({ member }: NodeProcess, call: Call, statement: string, index: number): void {
    this.#answer(call, { kind: 'record', index })
    this.#world.answer({ kind: 'record', member, statement, index })
  }

  #whenAttested(process: NodeProcess, index: number, then: () => void): void {
    this.#when(process, () => (process.replica.attested?.size ?? 0) > index, then)
  }

  #when(process: NodeProcess, isReady: () => boolean, then: () => void): void {
    if (isReady()) return then()
    const waiting = this.#waiting.get(process) ?? []
    waiting.push({ isReady, then })
    this.#waiting.set(process, waiting)
  }

  #call(input: LedgerInput, promise: Pick<Call, 'session' | 'mayBeStale'> = {}): Call {
    const call: Call = { input, invokedAt: this.#moment++, answered: undefined, ...promise }
    this.#calls.push(call)
    return call
  }

  #answer(call: Call, output: LedgerOutput, mayBeStale = false): void {
    call.answered = { at: this.#moment++, output }
    if (mayBeStale) (call as { mayBeStale?: boolean }).mayBeStale = true
  }

  /** Refused at the door: nothing is left of it. */
  #withdraw(call: Call): void {
    this.#calls.splice(this.#calls.indexOf(call), 1)
  }
}

const isSubmission = ({ input }: Call, key: string): boolean => input.kind === 'submit' && input.key.endsWith(` ${key}`)
