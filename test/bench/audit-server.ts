/**
 * The other process of `npm run bench:audit`: makes a ledger with all its signatures, writes its files below a folder, and serves them as four
 * nodes do, each with its own member's log signature. Says on standard output where, as one line of JSON.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Attestation } from '../../src/chain/block.ts'
import { genesis, MadeLedger, members, noteOf } from '../node/audit/made-ledger.ts'

const [folder, recordText, perBlockText] = process.argv.slice(2) as [string, string, string]
const [recordCount, perBlock] = [Number(recordText), Number(perBlockText)]
const made = join(folder, `made-${recordCount}-${perBlock}.json`)
const say = (text: string): void => void process.stderr.write(`${text}\n`)

interface Made {
  readonly size: number
  readonly height: number
  readonly root: string
  readonly cosignatures: readonly { readonly member: string; readonly time: number; readonly signature: string }[]
}

interface Signed {
  readonly records: readonly string[]
  readonly signed: readonly string[]
}

/** Statements of whole blocks in order, signed by a thread for each core and a few ahead: signing is half of the work, and the other half is one thread's. */
async function* signedAhead(): AsyncGenerator<Signed, void, void> {
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL('./statement-signer.ts', import.meta.url), { execArgv: [] }),
  )
  const chunk = 16 * perBlock
  const waiting: Promise<Signed>[] = []
  let from = 0
  let next = 0
  try {
    while (from < recordCount || waiting.length > 0) {
      while (from < recordCount && waiting.length < 4 * workers.length) {
        const records = Array.from({ length: Math.min(chunk, recordCount - from) }, (_, i) => `record ${from + i}`)
        waiting.push(signedIn(workers[next++ % workers.length]!, records))
        from += records.length
      }
      yield await waiting.shift()!
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** A worker answers in the order in which it was asked; each answer is taken by the one who waits longest. */
const awaited = new Map<Worker, ((signed: readonly string[]) => void)[]>()
function signedIn(worker: Worker, records: readonly string[]): Promise<Signed> {
  let takers = awaited.get(worker)
  if (takers === undefined) {
    const fresh: ((signed: readonly string[]) => void)[] = []
    worker.on('message', (signed: readonly string[]) => fresh.shift()!(signed))
    worker.on('error', (error) => {
      throw error
    })
    awaited.set(worker, fresh)
    takers = fresh
  }
  worker.postMessage(records)
  return new Promise((resolve) => takers.push((signed) => resolve({ records, signed })))
}

if (!existsSync(made)) {
  const ledger = new MadeLedger((path, bytes) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  })
  let done = 0
  for await (const { records, signed } of signedAhead()) {
    for (let at = 0; at < records.length; at += perBlock) {
      ledger.add({ records: records.slice(at, at + perBlock), signed: signed.slice(at, at + perBlock) })
    }
    if (done % 100_000 < records.length) say(`made ${done} of ${recordCount}`)
    done += records.length
  }
  ledger.finish()
  const { size, root, cosignatures } = ledger.attestation!
  const list = cosignatures.map((each) => ({ ...each, signature: Buffer.from(each.signature).toString('hex') }))
  writeFileSync(made, JSON.stringify({ size, height: ledger.height, root, cosignatures: list } satisfies Made))
}

const { size, height, root, cosignatures } = JSON.parse(readFileSync(made, 'utf8')) as Made
const attestation: Attestation = {
  size,
  root,
  cosignatures: cosignatures.map((each) => ({
    ...each,
    signature: new Uint8Array(Buffer.from(each.signature, 'hex')),
  })),
}
const urls = await Promise.all(
  members.map(async (_, at) => {
    const note = noteOf(attestation, at)
    const server = createServer((request, response) => {
      const path = request.url!.slice(1).replace(/\?.*/, '')
      if (path === 'checkpoint') return response.end(note)
      const file = join(folder, path)
      // At once and not on the pool of threads: what serving costs is taken from the audit, and the files lie in memory.
      if (existsSync(file)) response.end(readFileSync(file))
      else response.writeHead(404).end()
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }),
)
process.stdout.write(`${JSON.stringify({ urls, size, height, fingerprint: genesis.fingerprint })}\n`)
