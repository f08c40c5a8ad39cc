/** A worker of `audit-server.ts`: signs the statements of a ledger that is being made, on cores that would stand idle while it is executed. */
import { parentPort } from 'node:worker_threads'
import { signedRecord } from '../node/audit/made-ledger.ts'

/** Idempotency keys, one statement each. */
parentPort!.on('message', (keys: readonly string[]) => parentPort!.postMessage(keys.map((key) => signedRecord(key, 0))))
