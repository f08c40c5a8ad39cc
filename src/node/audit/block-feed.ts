/**
 * The blocks of a source in order of height, fetched ahead: whole bundles as long as there are any, then one by one. What is in a block is not
 * looked at here.
 */
import { blockBytesMax } from '../../chain/block.ts'
import {
  blockBundleBytesMax,
  blockBundlePath,
  blockPath,
  bundleBlocks,
  bundleOf,
  bundleStart,
  decodeBlockBundle,
} from '../../chain/block-bundle.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import type { Finding, Source } from './source.ts'
import { failureOf } from './source.ts'

/** A block as it was served, or why there is none; after that nothing comes. */
export type Fed =
  | { readonly kind: 'block'; readonly height: number; readonly file: string; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly finding: Finding }

/** Bundles on their way: they hide the way there and back, and are at worst 48 MiB. */
const bundlesAhead = 3
const blocksAhead = 8

export async function* feedBlocks(source: Source, from: number): AsyncGenerator<Fed, void, void> {
  let height = from
  let first = bundleOf(from)
  for await (const [index, answer] of ahead(first, bundlesAhead, (at) =>
    asked(source, blockBundlePath(at), blockBundleBytesMax),
  )) {
    if (answer.kind === 'failed') return yield { kind: 'end', finding: answer.finding }
    if (answer.bytes === undefined) break
    const file = blockBundlePath(index)
    let blocks: readonly Uint8Array[]
    try {
      blocks = decodeBlockBundle(answer.bytes)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      const { name } = source
      return yield {
        kind: 'end',
        finding: { code: 'audit.block-invalid', source: name, file, height, detail: error.message },
      }
    }
    for (; height < bundleStart(index) + bundleBlocks; height++) {
      yield { kind: 'block', height, file, bytes: blocks[height - bundleStart(index)]! }
    }
    first = index + 1
  }
  for await (const [at, answer] of ahead(height, blocksAhead, (at) => asked(source, blockPath(at), blockBytesMax))) {
    const file = blockPath(at)
    if (answer.kind === 'failed') return yield { kind: 'end', finding: answer.finding }
    if (answer.bytes === undefined) {
      const finding: Finding = {
        code: 'audit.missing',
        source: source.name,
        file,
        height: at,
        detail: `block ${at} is not there`,
      }
      return yield { kind: 'end', finding }
    }
    yield { kind: 'block', height: at, file, bytes: answer.bytes }
  }
}

export type Asked =
  | { readonly kind: 'answered'; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'failed'; readonly finding: Finding }

/** Never rejects for what a source does, so that what was asked ahead and is not wanted any more can be left alone. */
export async function asked(source: Source, path: string, bytesMax: number): Promise<Asked> {
  try {
    return { kind: 'answered', bytes: await source.get(path, bytesMax) }
  } catch (error) {
    return { kind: 'failed', finding: failureOf(error, source.name, path) }
  }
}

/** Answers in order for first, first + 1, … without end, `count` of them on their way while the consumer works. */
export async function* ahead<Answer>(
  first: number,
  count: number,
  ask: (at: number) => Promise<Answer>,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly [number, Answer], void, void> {
  const waiting: Promise<Answer>[] = []
  for (let at = first; at < end; at++) {
    while (waiting.length < count && at + waiting.length < end) waiting.push(ask(at + waiting.length))
    yield [at, await waiting.shift()!]
  }
}
