/**
 * The commands of docs/auditing.md by which anybody proves a record with a shell and OpenSSL, against somebody who makes the files to deceive
 * them. That they prove what is true, against a node that runs, is tested in test/end-to-end/cli-devnet.test.ts.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { utf8 } from '../../../src/chain/bytes.ts'
import { cosignature, cosignatureMessage, formatCheckpoint, logSignature } from '../../../src/chain/checkpoint.ts'
import { encodeEntry } from '../../../src/chain/entry.ts'
import { memberCosignKey, memberLogKey } from '../../../src/chain/member-policy.ts'
import { leafHash } from '../../../src/chain/merkle-tree.ts'
import { formatProofFile } from '../../../src/chain/proof-file.ts'
import { LedgerStage } from '../ledger-stage.ts'
import { temporaryDirectory } from './run.ts'

const root = resolve(import.meta.dirname, '../../..')
const stage = new LedgerStage()
afterAll(() => stage[Symbol.asyncDispose]())

/** Everything but the fetching: whoever deceives has put the files there. */
function byHand(document: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const text = readFileSync(join(root, document), 'utf8')
  const steps = Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), ([, body]) => body!)
  const first = steps.findIndex((step) => step.startsWith('{ printf') || step.startsWith('cat my-entry'))
  const cwd = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content)
  const { stdout } = spawnSync('/bin/sh', ['-c', `index=0\n${steps.slice(first).join('')}`], { cwd, encoding: 'utf8' })
  return stdout
}

/** A ledger of one entry that Wuhan wrote alone, cosigned by these members, each once for each time named. */
function forged(...cosigned: readonly (readonly [member: string, time: number])[]) {
  const { genesis, world } = stage
  const member = (id: string) => genesis.members.find((each) => each.id === id)!
  const statement = world.statement('wuhan', 'never submitted')
  const entry = encodeEntry({ member: 'wuhan', receivedAt: 1_800_000_000_000, statement })
  const text = formatCheckpoint({ origin: genesis.origin, size: 1, root: leafHash(entry) })
  const signatures = [
    logSignature(memberLogKey(genesis, member('wuhan')), world.sign('wuhan', 'log', utf8(text))),
    ...cosigned.map(([id, time]) =>
      cosignature(memberCosignKey(genesis, member(id)), time, world.sign(id, 'cosign', cosignatureMessage(time, text))),
    ),
  ]
  const proof = formatProofFile({ index: 0, path: [], note: { text, signatures } })
  return { 'my-genesis.json': genesis.entry, 'my-entry': entry, 'my.tlog-proof': proof }
}

test.each(['docs/auditing.md', 'docs/auditing.zh.md'])(
  '%s: one member’s cosignatures are one, however many',
  (document) => {
    const three = byHand(
      document,
      forged(['wuhan', 1_800_000_001], ['beijing', 1_800_000_002], ['hangzhou', 1_800_000_003]),
    )
    expect(three).toContain('entry 0 is in the tree of 1')
    expect(three).toContain('cosigned by 3 of 4, 3 needed')
    expect(three).not.toContain('NOT PROVEN')
    const alone = byHand(document, forged(['wuhan', 1_800_000_001], ['wuhan', 1_800_000_002], ['wuhan', 1_800_000_003]))
    expect(alone).toContain('NOT PROVEN: cosigned by 1 of 4, 3 needed')
  },
)
