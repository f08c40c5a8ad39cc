/**
 * The other process of `npm run bench:audit`: makes a ledger with all its signatures, writes its files below a folder, and serves them as four
 * nodes do, each with its own member's log signature. Says on standard output where, as one line of JSON.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
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

if (!existsSync(made)) {
  const ledger = new MadeLedger((path, bytes) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  })
  for (let done = 0; done < recordCount; done += perBlock) {
    const count = Math.min(perBlock, recordCount - done)
    ledger.add({ records: Array.from({ length: count }, (_, i) => `record ${done + i}`) })
    if (done % 100_000 < perBlock) say(`made ${done} of ${recordCount}`)
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
      readFile(join(folder, path)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }),
)
process.stdout.write(`${JSON.stringify({ urls, size, height, fingerprint: genesis.fingerprint })}\n`)
