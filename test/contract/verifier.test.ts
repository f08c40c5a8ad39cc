/** Both twins of the `Verifier` port under one contract. */
import { expect } from 'vitest'
import { MemoryVerifier } from '../../src/node/memory-verifier.ts'
import { VerifierPool } from '../../src/node/verifier-pool.ts'
import { LogRecorder, until } from '../node/network-fixture.ts'
import { type VerifierWorld, verifierContract } from './verifier-contract.ts'
import { VirtualClock } from './virtual-clock.ts'

verifierContract('in memory', async (): Promise<VerifierWorld> => {
  const clock = new VirtualClock()
  return {
    verifier: new MemoryVerifier({ batchMs: 1, checkMs: 0.1 }, { clock }),
    until: async (condition) => clock.until(condition, 'verdicts'),
    close: async () => undefined,
  }
})

for (const workers of [0, 1, 2]) {
  verifierContract(`pool of ${workers}`, async (): Promise<VerifierWorld> => {
    const fatal: string[] = []
    const pool = new VerifierPool({ workers }, { log: new LogRecorder(), onFatal: (reason) => void fatal.push(reason) })
    return {
      verifier: pool,
      until: (condition) => until(condition, 'verdicts'),
      close: async () => {
        await pool.stop()
        expect(fatal).toEqual([])
      },
    }
  })
}
