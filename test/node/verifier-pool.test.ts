/** What the pool adds to the contract: it survives its workers, and stops. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { packChecks, unpackChecks } from '../../src/node/verifier-batch.ts'
import { defaultWorkers, VerifierPool } from '../../src/node/verifier-pool.ts'
import { checksOf } from '../contract/verifier-contract.ts'
import { LogRecorder, pass, until } from './network-fixture.ts'

const pools: VerifierPool[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const pool of pools.splice(0)) await pool.stop()
})

function makePool(workers: number): { pool: VerifierPool; log: LogRecorder; fatal: string[] } {
  const log = new LogRecorder()
  const fatal: string[] = []
  const pool = new VerifierPool({ workers }, { log, onFatal: (reason) => void fatal.push(reason) })
  pools.push(pool)
  return { pool, log, fatal }
}

describe('the verifier pool', () => {
  test('a worker that dies is replaced, and what it had is checked again', async () => {
    const workers: Worker[] = []
    const { postMessage } = Worker.prototype
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      if (!workers.includes(this)) {
        workers.push(this)
        // The first one dies before it can answer.
        if (workers.length === 1) void this.terminate()
      }
      return postMessage.apply(this, args)
    })
    const { pool, log, fatal } = makePool(1)
    const answers: (readonly boolean[])[] = []
    pool.check(checksOf(50, [4]), (verdicts) => answers.push(verdicts))
    await until(() => answers.length === 1, 'verdicts')
    expect(answers[0]!.filter((verdict) => !verdict).length).toBe(1)
    expect(workers.length).toBe(2)
    expect(log.lines.map(({ event }) => event)).toEqual(['signature worker died'])
    expect(pool.waitingChecks).toBe(0)
    expect(fatal).toEqual([])
  })

  test('checks that kill every worker are answered all the same', async () => {
    const { postMessage } = Worker.prototype
    let deaths = 0
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      if (deaths++ < 2) void this.terminate()
      return postMessage.apply(this, args)
    })
    const { pool } = makePool(1)
    const answers: (readonly boolean[])[] = []
    pool.check(checksOf(5, [0]), (verdicts) => answers.push(verdicts))
    await until(() => answers.length === 1, 'verdicts')
    expect(answers[0]).toEqual([false, true, true, true, true])
  })

  test('what asks for nothing back after stop is not called', async () => {
    const { pool } = makePool(1)
    let isAnswered = false
    pool.check(checksOf(50), () => {
      isAnswered = true
    })
    await pool.stop()
    await pool.stop()
    await pass(20)
    expect(isAnswered).toBe(false)
  })

  test('an exception of the node’s own is fatal and not lost', async () => {
    const { pool, fatal } = makePool(1)
    for (const count of [1, 20]) {
      pool.check(checksOf(count), () => {
        throw new Error('a bug of ours')
      })
    }
    await until(() => fatal.length === 2, 'both are told')
    expect(fatal[0]).toMatch(/a bug of ours/)
  })

  test('waiting checks keep a process alive, an idle pool does not', async () => {
    const script = `
      import { VerifierPool } from ${JSON.stringify(new URL('../../src/node/verifier-pool.ts', import.meta.url).href)}
      const log = { debug() {}, info() {}, warn() {}, error() {} }
      const pool = new VerifierPool({ workers: 1 }, { log, onFatal: console.error })
      const checks = Array.from({ length: 10 }, () => ({ publicKey: new Uint8Array(33), message: new Uint8Array(1), signature: new Uint8Array(64) }))
      pool.check(checks, (verdicts) => console.log(verdicts.length))`
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 })
    expect(stdout.trim()).toBe('10')
  })

  test('a batch comes out of its packing as it went in', () => {
    const checks = checksOf(30, [1, 2, 3, 4, 5, 6, 7, 8])
    expect(unpackChecks(packChecks(checks))).toEqual(checks)
    expect(unpackChecks(packChecks([]))).toEqual([])
  })

  test('one worker up to seven cores, then one for every four', () => {
    expect([1, 2, 4, 7, 8, 16].map(defaultWorkers)).toEqual([1, 1, 1, 1, 2, 4])
  })
})
