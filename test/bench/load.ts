/**
 * The load generator of the benchmark, one process: signs records ahead, keeps a fixed number of submissions in flight, and counts a record when the
 * node answers 201 — attested. Beside the load it measures now and then what one native Ed25519 verification costs on this machine.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { fromHex } from '../../src/chain/bytes.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { Caller } from './caller.ts'
import { verificationMicros } from './verification.ts'

export interface LoadTask {
  readonly url: string
  readonly ledger: string
  readonly party: string
  /** Hex. */
  readonly seed: string
  /** Records. */
  readonly inFlight: number
  /** Records that a request brings; with more than one they go to POST /v1/records/batch. */
  readonly perRequest?: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Submissions a second at most; without it, as many as `inFlight` lets through. */
  readonly perSecond?: number
}

export interface LoadReport {
  readonly attested: number
  readonly failures: number
  /** Records that had to be signed while it was measured, because fewer were signed ahead. */
  readonly signedLate: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly payloadBytes: number
  /** CPU time of this process while it was measured. */
  readonly cpuSeconds: number
  /** CPU time, median of samples taken during the load. */
  readonly verificationMicroseconds: number
}

/** More than any machine has attested so far; signing one takes a third of a verification, holding it about a kilobyte. */
const signedAheadPerSecond = 3_500

process.once('message', (task: LoadTask) => {
  run(task).then(
    (report) => process.send!(report, () => process.exit(0)),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run(task: LoadTask): Promise<LoadReport> {
  const seed = fromHex(task.seed)!
  const signer = {
    tagged: taggedEd25519(ed25519PublicKey(seed)),
    sign: (message: Uint8Array) => ed25519Sign(seed, message),
  }
  let sequence = 0
  const run = process.hrtime.bigint().toString(36)
  const statement = (): string =>
    signStatement(
      {
        ledger: task.ledger,
        type: 'attest.hash@1',
        party: task.party,
        key: `bench-${run}-${sequence++}`,
        subject: 'transaction',
        hash: { algorithm: 'sha256', value: sequence.toString(16).padStart(64, '0') },
        mediaType: 'application/json',
        source: {
          system: '基准测试',
          operator: 'role:基准测试',
          method: '自动生成',
          software: 'bench 1.0',
          occurredAt: '2026-11-22T10:00:00+08:00',
        },
      },
      signer,
    )
  // Signed before the clock starts: on these cores the submitters' own signatures are no work of the ledger's.
  const aheadPerSecond = task.perSecond ?? signedAheadPerSecond
  const ready = Array.from({ length: aheadPerSecond * (task.warmUpSeconds + task.seconds) }, statement)
  const payloadBytes = Math.floor((ready[0]!.split('.')[1]!.length * 3) / 4)

  const perRequest = task.perRequest ?? 1
  const [path, mediaType] =
    perRequest === 1 ? ['/v1/records', 'application/jose'] : ['/v1/records/batch', 'application/json']
  const callers = Array.from({ length: task.inFlight / perRequest }, () => new Caller(task.url, path, mediaType))
  const latencies: number[] = []
  let attested = 0
  let failures = 0
  let signedLate = 0
  const nextStatement = (): string => {
    const made = ready.pop()
    if (made === undefined) signedLate++
    return made ?? statement()
  }
  const submit = async (caller: Caller): Promise<void> => {
    const statements = Array.from({ length: perRequest }, nextStatement)
    const begun = performance.now()
    const answer = await caller.post(perRequest === 1 ? statements[0]! : batchOf(statements)).catch(() => undefined)
    const good = answer === undefined ? 0 : perRequest === 1 ? Number(answer.status === 201) : attestedIn(answer.body)
    const took = performance.now() - begun
    for (let i = 0; i < good; i++) latencies.push(took)
    attested += good
    failures += perRequest - good
  }
  const during = async (seconds: number): Promise<number> => {
    const begun = performance.now()
    const end = begun + seconds * 1000
    let slots = 0
    const lane = async (caller: Caller): Promise<void> => {
      while (performance.now() < end) {
        if (task.perSecond !== undefined) await sleepUntil(begun + (slots++ * 1000) / task.perSecond)
        await submit(caller)
      }
    }
    await Promise.all(callers.map(lane))
    return (performance.now() - begun) / 1000
  }

  await during(task.warmUpSeconds)
  attested = 0
  failures = 0
  signedLate = 0
  latencies.length = 0
  process.send!('warm')
  const samples: number[] = []
  /** 5 ms out of every second. */
  const sample = (): number => verificationMicros(20)
  const timer = setInterval(() => samples.push(sample()), 1_000)
  const cpuBefore = process.cpuUsage()
  const seconds = await during(task.seconds)
  const { user, system } = process.cpuUsage(cpuBefore)
  clearInterval(timer)
  for (const caller of callers) caller.close()
  latencies.sort((a, b) => a - b)
  samples.sort((a, b) => a - b)
  return {
    attested,
    failures,
    signedLate,
    seconds,
    p50: latencies[Math.floor(latencies.length / 2)] ?? Number.NaN,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
    payloadBytes,
    cpuSeconds: (user + system) / 1e6,
    verificationMicroseconds: samples[Math.floor(samples.length / 2)] ?? sample(),
  }
}

const batchOf = (statements: readonly string[]): string => `{"statements":["${statements.join('","')}"]}`

/** Each result of a batch begins with the status that it would have had alone; nothing else in an answer is spelled like it. */
const attestedIn = (body: Buffer): number => body.toString('latin1').split('{"status":201,').length - 1

/** Resolves at this moment of `performance.now()`, at once when it has passed. */
async function sleepUntil(moment: number): Promise<void> {
  const ms = moment - performance.now()
  if (ms > 0) await sleep(ms)
}
