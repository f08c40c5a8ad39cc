/**
 * The callers: some submit, some read, all at members drawn by lot, whatever state those are in, and everything they were told is kept: as a
 * history for the linearizability checker, as answers that must stay true, as receipts that must be honoured. They do what real callers do
 * that are unsure: send the same statement again, elsewhere; and what careless ones do: use a key for something else.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import type { AttestedAnswer } from '../../src/api/answers.ts'
import { ConnectionError, type Found, ProblemError } from '../../src/api/client/client.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import type { LedgerInput, LedgerOperation, LedgerOutput } from '../linearizability/ledger-history.ts'
import type { Draw } from './draw.ts'
import { type Member, patienceMs, type Stage } from './stage.ts'

export interface LoadOptions {
  readonly submitters: number
  readonly readers: number
  /** Longest pause of a caller between two calls. */
  readonly pauseMsMax: number
}

export interface Sent {
  readonly jws: string
  readonly id: string
  /** Party and idempotency key. */
  readonly key: string
}

/** A record that a caller was given as attested. */
export interface Given {
  readonly sent: Sent
  readonly answer: AttestedAnswer
}

/** A caller that timed out has waited longer than its `wait`. */
const callMs = 7_000
/** Callers that are told to stop give up on what hangs after this; what came of it is unknown. */
const graceMs = 400
/** Of what was sent lately, callers send again and read. */
const recentMax = 200

export class Load {
  readonly history: LedgerOperation[] = []
  readonly given: Given[] = []
  /** By statement: who gave a receipt last. */
  readonly receipts = new Map<string, { readonly sent: Sent; readonly member: Member }>()
  /** What no caller should ever have been told. */
  readonly surprises: string[] = []
  readonly #stage: Stage
  readonly #draw: Draw
  readonly #options: LoadOptions
  readonly #recent: Sent[] = []
  #running: Promise<unknown> = Promise.resolve()
  #stopping = new AbortController()
  /** Ends the calls that still hang some time after the callers were told to stop. */
  #patience = new AbortController()
  #number = 0

  constructor(options: LoadOptions, dependencies: { readonly stage: Stage; readonly draw: Draw }) {
    this.#options = options
    this.#stage = dependencies.stage
    this.#draw = dependencies.draw
  }

  get submissions(): number {
    return this.history.filter(({ input }) => input.kind === 'submit').length
  }

  start(): void {
    this.#stopping = new AbortController()
    const { submitters, readers } = this.#options
    this.#running = Promise.all([
      ...Array.from({ length: submitters }, () => this.#repeat(() => this.#submitSomething())),
      ...Array.from({ length: readers }, () => this.#repeat(() => this.#readSomething())),
    ])
  }

  /** @throws {Error} what broke in a caller */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const timer = setTimeout(() => this.#patience.abort(), graceMs)
    await this.#running
    clearTimeout(timer)
    this.#patience = new AbortController()
  }

  /**
   * A statement that nobody has seen before is attested, asked of these members in turn.
   * @returns how long it took, milliseconds
   */
  async attests(members: readonly Member[], withinMs = patienceMs): Promise<number> {
    const sent = this.#newStatement()
    const begun = performance.now()
    for (let attempt = 0; performance.now() - begun < withinMs; attempt++) {
      if ((await this.#submit(sent, members[attempt % members.length]!, 2)) === 'attested') {
        return performance.now() - begun
      }
      await delay(50)
    }
    throw new Error(`nothing was attested within ${withinMs} ms by ${members.map(({ id }) => id).join(', ')}`)
  }

  /**
   * Many statements at once, each for a receipt only: whoever kills the member right afterwards finds it with promises that nobody else may
   * know of. @returns once the first of them has its receipt, or none will get one
   */
  async promises(member: Member): Promise<void> {
    const all = Array.from({ length: 24 }, () => this.tries(member, 0))
    const receipts = all.map(async (one) => {
      if ((await one) !== 'pending') throw new Error('no receipt')
    })
    await Promise.any(receipts).catch(() => undefined)
  }

  /** How a statement that nobody has seen before ends at this member: `attested`, `pending`, the code of a refusal, or `unknown`. */
  async tries(member: Member, waitSeconds: number): Promise<string> {
    return this.#submit(this.#newStatement(), member, waitSeconds)
  }

  async #repeat(act: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await act()
      await delay(this.#draw.between(0, this.#options.pauseMsMax), undefined, { signal }).catch(() => undefined)
    }
  }

  // ── submitting ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #submitSomething(): Promise<void> {
    const { members } = this.#stage
    const recent = this.#recent.length === 0 ? undefined : this.#draw.one(this.#recent)
    const way = this.#draw.fraction()
    // Again, as after a time-out; another statement under the same key, as by mistake; twice at once; or simply the next one.
    const sent =
      recent === undefined || way > 0.25
        ? this.#newStatement()
        : way < 0.15
          ? recent
          : this.#statement(recent.key.split(' ')[1]!, this.#partyOf(recent))
    const waitSeconds = this.#draw.one([0, 0, 2, 5])
    const calls = [this.#submit(sent, this.#draw.one(members), waitSeconds)]
    if (this.#draw.chance(0.05)) calls.push(this.#submit(sent, this.#draw.one(members), waitSeconds))
    if (this.#draw.chance(0.05)) {
      const rival = this.#statement(sent.key.split(' ')[1]!, this.#partyOf(sent))
      calls.push(this.#submit(rival, this.#draw.one(members), waitSeconds))
    }
    await Promise.all(calls)
  }

  async #submit(sent: Sent, member: Member, waitSeconds: number): Promise<string> {
    const input: LedgerInput = { kind: 'submit', key: sent.key, value: sent.id }
    const { session } = member
    const invokedAt = performance.now()
    // From here on it may be on the ledger: a crash of ours would not change that.
    const noted = this.history.push({ input, invokedAt, answered: undefined }) - 1
    const note = (output: LedgerOutput, mayBeStale = false): void => {
      const answered = { at: performance.now(), output }
      this.history[noted] = { input, invokedAt, answered, session: this.#sessionOf(member, session), mayBeStale }
    }
    try {
      const submitted = await member.client(callMs).submit(sent.jws, { waitSeconds, signal: this.#patience.signal })
      if (submitted.kind === 'pending') {
        this.receipts.set(sent.id, { sent, member })
        return 'pending'
      }
      const { record } = submitted
      note({ kind: 'record', index: Number(record.index) })
      this.given.push({ sent, answer: record })
      return 'attested'
    } catch (error) {
      if (error instanceof ConnectionError || !(error instanceof ProblemError)) return 'unknown'
      const { code, status, problem } = error
      const index = problem.index === undefined ? undefined : Number(problem.index)
      if (index !== undefined) {
        note(code === 'statement.key-reused' ? { kind: 'key-taken', index } : { kind: 'refused', index })
      } else if (code === 'statement.key-reused') {
        note({ kind: 'key-taken', index: undefined }, true)
      } else if (status < 500 && status !== 429) {
        this.surprises.push(`${member.id} refused a good statement: ${error.message}`)
      }
      return code
    }
  }

  /** An answer that came across a restart promises nothing about what either start knew. */
  #sessionOf(member: Member, atCall: string): string {
    return member.session === atCall ? atCall : `${atCall} or ${member.session}`
  }

  #newStatement(): Sent {
    return this.#statement(`fault-${this.#number}`, this.#draw.one(this.#stage.members))
  }

  #statement(key: string, { home }: Member): Sent {
    const number = this.#number++
    const signer = {
      tagged: taggedEd25519(ed25519PublicKey(home.centre.seed)),
      sign: (message: Uint8Array) => ed25519Sign(home.centre.seed, message),
    }
    const { ledger } = this.#stage.genesis
    const jws = signStatement(
      {
        ledger,
        type: 'attest.hash@1',
        party: home.party,
        key,
        subject: 'transaction',
        hash: { algorithm: 'sha256', value: number.toString(16).padStart(64, '0') },
        mediaType: 'application/json',
        source: {
          system: '故障测试',
          operator: 'role:故障测试',
          method: '自动生成',
          software: 'faults 1.0',
          occurredAt: '2026-11-22T10:00:00+08:00',
        },
      },
      signer,
    )
    const sent = { jws, id: parseStatement(jws, ledger).id, key: `${home.party} ${key}` }
    this.#recent.push(sent)
    if (this.#recent.length > recentMax) this.#recent.shift()
    return sent
  }

  #partyOf({ key }: Sent): Member {
    return this.#stage.members.find(({ home }) => key.startsWith(`${home.party} `))!
  }

  // ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #readSomething(): Promise<void> {
    const member = this.#draw.one(this.#stage.members)
    if (this.#recent.length === 0 || this.#draw.chance(0.2)) return this.#readSize(member)
    try {
      await this.read(this.#draw.one(this.#recent), member)
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.index !== undefined) return
      const { code, status } = error
      if (code !== 'record.not-found' && status < 500 && status !== 429)
        this.surprises.push(`${member.id}: ${error.message}`)
    }
  }

  /** A look-up, noted in the history. @throws what the client throws */
  async read(sent: Sent, member: Member): Promise<Found> {
    const input: LedgerInput = { kind: 'read', key: sent.key, value: sent.id }
    const { session } = member
    const invokedAt = performance.now()
    const note = (output: LedgerOutput): void => {
      const answered = { at: performance.now(), output }
      this.history.push({ input, invokedAt, answered, session: this.#sessionOf(member, session), mayBeStale: true })
    }
    try {
      const found = await member.client(2_000).record(sent.id, { signal: this.#patience.signal })
      note(found.kind === 'record' ? { kind: 'record', index: Number(found.record.index) } : { kind: 'absent' })
      return found
    } catch (error) {
      if (error instanceof ProblemError) {
        const { code, problem } = error
        const index = Number(problem.index)
        if (code === 'record.not-found') note({ kind: 'absent' })
        else if (problem.index !== undefined)
          note(code === 'statement.key-reused' ? { kind: 'key-taken', index } : { kind: 'refused', index })
      }
      throw error
    }
  }

  async #readSize(member: Member): Promise<void> {
    const { session } = member
    const invokedAt = performance.now()
    const status = await member.status()
    if (status === undefined) return
    const answered = {
      at: performance.now(),
      output: { kind: 'size', size: Number(status.replicatedSize) },
    } as const
    this.history.push({
      input: { kind: 'size' },
      invokedAt,
      answered,
      session: this.#sessionOf(member, session),
      mayBeStale: true,
    })
  }
}
