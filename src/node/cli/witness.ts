/**
 * `witness ask`: gets an outside witness to cosign the newest attested checkpoint (C2SP tlog-witness). A witness that only knows log keys
 * would believe a single member, so nothing is passed on before the policy's quorum has been checked here; and it gets the log's signature
 * alone, or, if it is one that checks quorums, the members' cosignatures too.
 */
import type { Command } from 'commander'
import { fromBase64 } from '../../chain/bytes.ts'
import { parseCosignature } from '../../chain/checkpoint.ts'
import { formatNote, parseNote, parseVerifierKey, signatureType } from '../../chain/note.ts'
import { checkNoteAgainstPolicy, parsePolicy } from '../../chain/policy.ts'
import { Refusal } from '../../chain/refusal.ts'
import { askWitness, cosignatureLines } from '../witness.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, writeWhole } from './files.ts'
import { both } from './language.ts'
import { beijingTime } from './review.ts'
import type { Terminal } from './terminal.ts'

export interface WitnessAskOptions {
  /** Of the witness. */
  readonly witness: string
  readonly key: readonly string[]
  readonly url?: string
  readonly policy?: string
  readonly cosignatures?: true
  readonly out?: string
}

export function witnessCommands(
  program: Command,
  terminal: Terminal,
  run: (command: Promise<ExitCode>) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
  program
    .command('witness')
    .description(t('外部见证（C2SP tlog-witness）', 'outside witnesses (C2SP tlog-witness)'))
    .command('ask')
    .description(
      t('请外部见证方共签最新的已共证快照', 'ask an outside witness to cosign the newest attested checkpoint'),
    )
    .argument('<witness>', t('见证方的提交网址', 'the witness’s submission URL'))
    .requiredOption('--key <vkey>', t('见证方的公钥，可多次给出', 'the witness’s verifier key, repeatable'), list)
    .option('--url <url>', t('成员节点网址', 'URL of a member’s node'))
    .option('--policy <file>', t('验证信任清单（默认取自该节点）', 'policy (default: that of the node)'))
    .option('--cosignatures', t('连同成员的共签一并提交', 'send the members’ cosignatures along'))
    .option('--out <file>', t('带有全部签名的快照写到', 'write the checkpoint with all signatures to'))
    .action((witness: string, options: Omit<WitnessAskOptions, 'witness'>) =>
      run(witnessAsk({ ...options, witness }, terminal)),
    )
}

export async function witnessAsk(options: WitnessAskOptions, terminal: Terminal): Promise<ExitCode> {
  const client = clientFor(urlOf(options.url), terminal.language)
  const keys = options.key.map(parseVerifierKey)
  const other = keys.find(({ type }) => type !== signatureType.cosignature)
  if (other !== undefined) throw new CommandFailure('usage.wrong', `--key ${other.name}: 04`, exitCode.unusable)
  const policy = parsePolicy(options.policy === undefined ? await client.policy() : readBytes(options.policy))
  const whole = parseNote(await client.checkpoint({ cosignatures: 1000 }))
  const { origin, size, log } = checkNoteAgainstPolicy(whole, policy)
  const sent =
    options.cosignatures === true
      ? whole
      : { ...whole, signatures: whole.signatures.filter(({ name, keyId }) => name === log.name && keyId === log.keyId) }
  const { note, from } = await askWitness(
    sent,
    { url: options.witness, keys },
    {
      fetch,
      consistency: async (older) =>
        (await client.consistency(String(older), String(size))).path.map((hash) => fromBase64(hash)!),
    },
  ).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error
    const exit = error.code === 'witness.no-answer' ? exitCode.noAnswer : exitCode.refused
    throw new CommandFailure(error.code, error.message, exit)
  })
  if (options.out !== undefined) {
    const signatures = [...whole.signatures, ...note.signatures]
    writeWhole(options.out, formatNote({ text: whole.text, signatures }), { replace: true })
  }
  terminal.say(
    both(
      `外部见证已共签：账本 ${origin}，共 ${size} 条（此前 ${from} 条）`,
      `Cosigned: ${origin}, ${size} entries (${from} before)`,
    ),
  )
  const times = note.signatures.map(({ name, signature }) => {
    const seconds = parseCosignature(signature)!.timeSeconds
    return { name, time: beijingTime(seconds * 1000) }
  })
  for (const { name, time } of times) terminal.say(`  ${name}  ${time.replace('.000', '')}`)
  terminal.say(cosignatureLines(note).trimEnd())
  terminal.json({ ok: true, origin, size: String(size), from: String(from), cosignatures: times })
  return exitCode.done
}
