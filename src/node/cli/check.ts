/**
 * `check` (技术核验): is the hash of a file on the ledger, and in which record? Files are hashed here and stay here; a member is asked about
 * the hashes only, and its answer is its word. Whoever needs more than that fetches the proof (`get --proof`) and checks it (`verify`).
 */
import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { VerificationAnswer, VerifyItem } from '../../api/answers.ts'
import { Refusal } from '../../chain/refusal.ts'
import { clientFor, urlOf } from './connection.ts'
import { type ExitCode, exitCode } from './failure.ts'
import { both } from './language.ts'
import { columns, type Terminal } from './terminal.ts'

export interface CheckOptions {
  readonly files: readonly string[]
  readonly hash?: readonly string[]
  readonly algorithm: 'sha256' | 'sm3'
  readonly record?: string
  readonly url?: string
}

/** Exit code 0 when all are on the ledger and attested, 1 when one is not there, 4 when one is there and not attested yet. */
export async function check(options: CheckOptions, terminal: Terminal): Promise<ExitCode> {
  const { files, hash = [], algorithm, record } = options
  const asked: { readonly name: string; readonly hash: string }[] = hash.map((value) => ({ name: value, hash: value }))
  for (const file of files) asked.push({ name: file, hash: await hashOfFile(file, algorithm) })
  const items = asked.map(({ hash }): VerifyItem => ({ hash, algorithm, ...(record === undefined ? {} : { record }) }))
  const { results, asOf } = await clientFor(urlOf(options.url), terminal.language).verify(items)
  terminal.say(columns(results.map((answer, at) => [wordsFor(answer, terminal), asked[at]!.name])))
  terminal.remark(
    terminal.text(
      both(
        `以该成员所见的账本为准：共 ${asOf.size} 条，树根 ${asOf.root}`,
        `As this member sees the ledger: ${asOf.size} entries, root ${asOf.root}`,
      ),
    ),
  )
  const all = results.map((answer, at) => ({ name: asked[at]!.name, ...answer }))
  const ok = results.every(({ result }) => result === 'match')
  terminal.json({ ok, results: all, asOf })
  if (ok) return exitCode.done
  return results.some(({ result }) => result === 'mismatch') ? exitCode.refused : exitCode.pending
}

/** Of any length, piece by piece. @throws {Refusal} file.missing, file.unreadable */
async function hashOfFile(path: string, algorithm: CheckOptions['algorithm']): Promise<string> {
  const digest = createHash(algorithm)
  try {
    // A device or a pipe may have no end.
    if (!statSync(path).isFile()) throw new Refusal('file.unreadable', `${path}: not a file`)
    await pipeline(createReadStream(path), digest)
  } catch (error) {
    if (error instanceof Refusal) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new Refusal(code === 'ENOENT' ? 'file.missing' : 'file.unreadable', code === 'ENOENT' ? path : message)
  }
  return digest.digest('hex')
}

function wordsFor({ result, reason, places, more }: VerificationAnswer, terminal: Terminal): string {
  const where = `${places.map(({ index }) => index).join(', ')}${more ? ', …' : ''}`
  const time = places[0]?.blockTime ?? ''
  if (result === 'match') return terminal.text(both(`一致：记录 ${where}，${time}`, `match: record ${where}, ${time}`))
  if (result === 'pending')
    return terminal.text(both(`在账本上，尚未共证：记录 ${where}`, `not attested yet: record ${where}`))
  return terminal.text(
    reason === 'not-in-record'
      ? both(`不一致：记录 ${where} 中没有`, `mismatch: not in record ${where}`)
      : reason === 'no-such-record'
        ? both('不一致：没有所称的记录', 'mismatch: no such record')
        : both('不一致：账本上没有', 'mismatch: not on the ledger'),
  )
}
