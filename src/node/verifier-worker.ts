/** The worker thread of `verifier-pool.ts`: takes a packed batch of signature checks, answers with one verdict for each. */
import { parentPort } from 'node:worker_threads'
import { assert } from '../chain/assert.ts'
import { verifySignature } from '../chain/keys.ts'
import { type BatchAnswer, type BatchRequest, unpackChecks } from './verifier-batch.ts'

assert(parentPort !== null, 'this file runs as a worker thread')
const port = parentPort

port.on('message', ({ id, packed }: BatchRequest) => {
  const checks = unpackChecks(packed)
  const verdicts = new Uint8Array(checks.length)
  for (const [index, check] of checks.entries()) {
    verdicts[index] = verifySignature(check.publicKey, check.message, check.signature) ? 1 : 0
  }
  const answer: BatchAnswer = { id, verdicts }
  port.postMessage(answer, [verdicts.buffer])
})
