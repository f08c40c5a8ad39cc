/**
 * `witness ask` against a witness that does what C2SP tlog-witness tells one to do, sentence by sentence, and against others that do not.
 * The ledger is honest; what it attests is really cosigned.
 */

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { buildPublicServer } from '../../../src/api/server.ts'
import { fromBase64, utf8 } from '../../../src/chain/bytes.ts'
import {
  cosignature,
  cosignatureMessage,
  cosignerVerifierKey,
  noteVerifier,
  parseCheckpoint,
} from '../../../src/chain/checkpoint.ts'
import { taggedEd25519 } from '../../../src/chain/keys.ts'
import { formatSignatureLine, formatVerifierKey, parseNote, verifyNote } from '../../../src/chain/note.ts'
import { parsePolicy } from '../../../src/chain/policy.ts'
import { ProofError, verifyConsistency } from '../../../src/chain/verify.ts'
import { FakeLedger, submitter } from '../../api/fake-ledger.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const seed = sha256(utf8('a witness'))
const name = 'witness.example/w1'
const key = cosignerVerifierKey(name, taggedEd25519(ed25519PublicKey(seed)))
const vkey = formatVerifierKey(key)

interface Seen {
  readonly old: bigint
  readonly lines: number
  readonly signatures: number
}

/** As the spec has it: one size and root per origin, checked and kept before it answers. */
class Witness {
  readonly seen: Seen[] = []
  known: { size: bigint; root: Uint8Array } | undefined
  #logs

  constructor(policy: string) {
    this.#logs = parsePolicy(policy).logs.map((log) => log.key)
  }

  answer(body: string): { status: number; text: string; type?: string } {
    const gap = body.indexOf('\n\n')
    const [first, ...proof] = body.slice(0, gap).split('\n')
    const old = BigInt(/^old (0|[1-9][0-9]*)$/.exec(first!)![1]!)
    const note = parseNote(body.slice(gap + 2))
    this.seen.push({ old, lines: proof.length, signatures: note.signatures.length })
    const { origin, size, root } = parseCheckpoint(note.text)
    if (!this.#logs.some((log) => log.name === origin)) return { status: 404, text: 'unknown origin' }
    try {
      verifyNote(
        note,
        this.#logs.map((log) => noteVerifier(log)!),
      )
    } catch {
      return { status: 403, text: 'no trusted signature' }
    }
    if (old > size) return { status: 400, text: 'old size above the checkpoint' }
    const known = this.known?.size ?? 0n
    if (old !== known) return { status: 409, type: 'text/x.tlog.size', text: `${known}\n` }
    if (old === size && Buffer.compare(root, this.known!.root) !== 0) {
      return { status: 409, type: 'text/x.tlog.size', text: `${known}\n` }
    }
    if (old > 0n) {
      try {
        const path = proof.map((hash) => fromBase64(hash)!)
        verifyConsistency({ from: old, fromRoot: this.known!.root, to: size, toRoot: root, path })
      } catch (error) {
        if (error instanceof ProofError) return { status: 422, text: error.message }
        throw error
      }
    } else if (proof.length > 0) return { status: 422, text: 'a proof from nothing' }
    this.known = { size, root }
    const time = 1_795_312_800
    const line = formatSignatureLine(cosignature(key, time, ed25519Sign(seed, cosignatureMessage(time, note.text))))
    // One of a key that nobody asked about: it is to be ignored.
    return { status: 200, text: `— somebody.else AAAAAQID\n${line}` }
  }
}

async function listen(
  answer: (body: string, request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    answer(body, request, response)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function stage(
  change: (witness: Witness, body: string) => ReturnType<Witness['answer']> | undefined = () => undefined,
) {
  const ledger = new FakeLedger()
  const app = await buildPublicServer({}, { service: ledger, onFailure: () => undefined })
  onTestFinished(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const witness = new Witness(ledger.policy()!)
  const requests: string[] = []
  const witnessUrl = await listen((body, request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const { status, text, type = 'text/plain' } = change(witness, body) ?? witness.answer(body)
    response.writeHead(status, { 'content-type': type }).end(text)
  })
  const ask = (...more: string[]) => run('witness', 'ask', witnessUrl, '--key', vkey, '--url', url, ...more)
  return { ledger, url, witness, witnessUrl, requests, ask }
}

test('a first checkpoint, then a larger one: led on from the size that the witness knows', async () => {
  const { ledger, url, witness, witnessUrl, requests, ask } = await stage()
  ledger.put('attest.hash@1', submitter.party, { row: 1 })
  const first = await ask()
  expect([first.code, first.out]).toEqual([
    0,
    expect.stringMatching(/Cosigned: .* 2 entries \(0 before\)\n {2}witness\.example\/w1 /),
  ])
  for (let row = 2; row < 30; row++) ledger.put('attest.hash@1', submitter.party, { row })
  const out = join(temporaryDirectory(), 'checkpoint.txt')
  const { json } = await runJson('witness', 'ask', `${witnessUrl}/`, '--key', vkey, '--url', url, '--out', out)
  expect(json).toMatchObject({ ok: true, size: '30', from: '2', cosignatures: [{ name }] })
  // With the log's signature alone, always.
  expect(witness.seen).toEqual([
    { old: 0n, lines: 0, signatures: 1 },
    { old: 0n, lines: 0, signatures: 1 },
    { old: 2n, lines: expect.any(Number), signatures: 1 },
  ])
  expect(new Set(requests)).toEqual(new Set(['POST /add-checkpoint']))
  // The whole note is kept: log, members, witness.
  const kept = parseNote(readFileSync(out))
  expect(kept.signatures.map((signature) => signature.name).at(-1)).toBe(name)
  expect(kept.signatures).toHaveLength(1 + 3 + 1)
  expect(verifyNote(kept, [noteVerifier(key)!])).toHaveLength(1)
  // The same once more is fine: nothing has to be shown.
  expect((await ask()).code).toBe(0)
})

test('a witness that checks the members’ quorum gets their cosignatures', async () => {
  const { witness, ask } = await stage()
  expect((await ask('--cosignatures')).code).toBe(0)
  expect(witness.seen).toEqual([{ old: 0n, lines: 0, signatures: 4 }])
})

test('what the quorum has not cosigned is shown to no witness', async () => {
  const { ledger, witness, ask } = await stage()
  const whole = ledger.checkpoint.bind(ledger)
  ledger.checkpoint = () => whole(2)
  const ran = await ask()
  expect([ran.code, ran.error]).toEqual([1, expect.stringContaining('policy.quorum-missing')])
  expect(witness.seen).toEqual([])
})

test.each<[string, Parameters<typeof stage>[0], string]>([
  ['does not know the ledger', () => ({ status: 404, text: '' }), 'witness.unknown-origin'],
  ['trusts none of its keys', () => ({ status: 403, text: '' }), 'witness.untrusted'],
  ['finds the proof wrong', () => ({ status: 422, text: 'no' }), 'witness.other-history'],
  ['refuses otherwise', () => ({ status: 429, text: 'slowly' }), 'witness.refused'],
  ['has seen a larger one', () => ({ status: 409, type: 'text/x.tlog.size', text: '77\n' }), 'witness.ahead'],
  [
    'says what it knows, and says no again',
    () => ({ status: 409, type: 'text/x.tlog.size', text: '1\n' }),
    'witness.other-history',
  ],
  ['names a size in another form', () => ({ status: 409, type: 'text/plain', text: '1\n' }), 'witness.bad-answer'],
  ['names no size', () => ({ status: 409, type: 'text/x.tlog.size', text: '01\n' }), 'witness.bad-answer'],
  ['signs nothing', () => ({ status: 200, text: '' }), 'witness.bad-answer'],
  ['signs with another key', () => ({ status: 200, text: '— witness.example/w1 AAAAAQID\n' }), 'witness.bad-answer'],
  ['never stops', () => ({ status: 200, text: 'x'.repeat(10_000_000) }), 'witness.bad-answer'],
])('a witness that %s', async (_, change, code) => {
  const { ask } = await stage(change)
  const ran = await ask()
  expect(ran.error).toContain(`(${code})`)
  expect(ran.code).toBe(1)
})

test('a cosignature over other bytes is no cosignature of this checkpoint', async () => {
  const { ask } = await stage((_, body) => {
    const text = parseNote(body.slice(body.indexOf('\n\n') + 2)).text.replace('\n1\n', '\n2\n')
    const signature = ed25519Sign(seed, cosignatureMessage(1, text))
    return { status: 200, text: formatSignatureLine(cosignature(key, 1, signature)) }
  })
  const ran = await ask()
  expect(ran.error).toContain('note.bad-signature')
  expect(ran.code).toBe(1)
})

test('another history at the size that the witness knows is named as what it is', async () => {
  const { witness, ask } = await stage()
  witness.known = { size: 1n, root: new Uint8Array(32) }
  expect((await ask()).error).toContain('(witness.other-history)')
})

test('nobody there; a key of a log instead of a witness', async () => {
  const { url, ask } = await stage()
  const nobody = await run('witness', 'ask', 'http://127.0.0.1:9', '--key', vkey, '--url', url)
  expect([nobody.code, nobody.error]).toEqual([3, expect.stringContaining('(witness.no-answer)')])
  const logKey = /^log (\S+)/.exec(new FakeLedger().policy()!)![1]!
  expect((await ask('--key', logKey)).code).toBe(2)
})
