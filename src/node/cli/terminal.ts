/**
 * Where a command speaks: answers on standard output, remarks and progress on standard error, so that a program can read the one and a
 * person the other. Knows the language; knows nothing of what is said.
 */
import { createInterface } from 'node:readline/promises'
import { visible, visibleLine } from '../../chain/visible.ts'
import type { Bilingual, Language } from './language.ts'

export interface TerminalStreams {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly error: NodeJS.WriteStream
}

export interface TerminalOptions {
  readonly language: Language
  /** Answers are JSON, one document; remarks still go to standard error. */
  readonly json: boolean
}

/** Tells how far long work has come. Silent where nobody watches. */
export interface Progress {
  update(done: number): void
  end(): void
}

export class Terminal {
  readonly language: Language
  readonly isJson: boolean
  readonly #streams: TerminalStreams

  constructor({ language, json }: TerminalOptions, streams: TerminalStreams = standardStreams) {
    this.language = language
    this.isJson = json
    this.#streams = streams
  }

  /** Whether a person can be asked. */
  get isInteractive(): boolean {
    return this.#streams.input.isTTY === true && this.#streams.error.isTTY === true
  }

  text({ zh, en }: Bilingual): string {
    return this.language === 'zh' ? zh : en
  }

  /** A line of the answer, for people; nothing when the answer is JSON. Much of it is from strangers: it is shown, and commands no terminal. */
  say(words: Bilingual | string): void {
    if (!this.isJson) this.#streams.output.write(`${visible(typeof words === 'string' ? words : this.text(words))}\n`)
  }

  /** The answer, for programs; nothing unless `--json`. */
  json(value: unknown): void {
    if (this.isJson) this.#streams.output.write(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** The answer as it stands in a file: verbatim, in both modes. */
  raw(text: string | Uint8Array): void {
    this.#streams.output.write(text)
  }

  /** A remark beside the answer. */
  remark(words: Bilingual | string): void {
    this.#streams.error.write(`${visible(typeof words === 'string' ? words : this.text(words))}\n`)
  }

  /** Asks a person. Only when `isInteractive`. */
  async ask(question: Bilingual): Promise<string> {
    const lines = createInterface({ input: this.#streams.input, output: this.#streams.error })
    try {
      return (await lines.question(this.text(question))).trim()
    } finally {
      lines.close()
    }
  }

  /** `total` in whatever is counted; a total of 0 shows nothing. */
  progress(label: Bilingual, total: number): Progress {
    const { error } = this.#streams
    if (error.isTTY !== true || total <= 0) return silentProgress
    const words = this.text(label)
    let shownAt = 0
    const show = (done: number): void => {
      const share = Math.min(1, done / total)
      const filled = Math.round(share * barCells)
      const bar = '█'.repeat(filled) + '░'.repeat(barCells - filled)
      error.write(`\r${words} ${bar} ${Math.floor(share * 100)}% ${done}/${total}\u001b[K`)
    }
    return {
      update(done) {
        const now = Date.now()
        if (done < total && now - shownAt < progressPauseMs) return
        shownAt = now
        show(done)
      },
      end: () => error.write('\r\u001b[K'),
    }
  }
}

const standardStreams: TerminalStreams = { input: process.stdin, output: process.stdout, error: process.stderr }
const barCells = 30
/** Often enough to look alive, seldom enough to cost nothing. */
const progressPauseMs = 100
const silentProgress: Progress = { update: () => undefined, end: () => undefined }

/** Lines of two columns, the second aligned; Chinese characters count as two cells. */
export function columns(rows: readonly (readonly [string, string])[], indent = ''): string {
  // One line each: a name with a line feed in it would make a row of its own.
  const lines = rows.map(([name, value]) => [visibleLine(name), visibleLine(value)] as const)
  const width = Math.max(...lines.map(([name]) => cellsOf(name)))
  return lines.map(([name, value]) => `${indent}${name}${' '.repeat(width - cellsOf(name) + 2)}${value}`).join('\n')
}

export function cellsOf(text: string): number {
  let cells = 0
  for (const character of text)
    cells += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
      character,
    )
      ? 2
      : 1
  return cells
}
