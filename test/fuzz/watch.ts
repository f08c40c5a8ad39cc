/**
 * Runs inputs in a process of its own with a small heap and watches it: an input that kills it (memory), or on which it makes no
 * progress, is named like any other failure. Nothing here measures speed; the watchdog is generous, and only says that nothing moves.
 * What is being judged stands in a file, because nothing can be asked of a process that is dead or does not stop.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Task {
  readonly subject: string
  readonly from: number
  readonly runs: number
  /** These (base64), instead of made ones. */
  readonly inputs?: readonly string[]
  readonly stopsAtFirst: boolean
}

/** What the child is told. */
export interface Order {
  readonly tasks: readonly Task[]
  readonly seed: number
  /** Where it says what it is judging: count of inputs so far, task, run, length (u32 each), the input. */
  readonly noteFile: string
}
export const noteHeadBytes = 16

export interface Failure {
  readonly subject: string
  readonly run: number
  /** Base64. */
  readonly input: string
  readonly detail: string
}

export interface Report {
  readonly failures: readonly Failure[]
  /** By subject: how often inputs ended with which word. */
  readonly endings: ReadonlyMap<string, Readonly<Record<string, number>>>
  /** By subject: the most that one input took. */
  readonly heapBytes: ReadonlyMap<string, number>
}

export type ChildMessage =
  | ({ readonly kind: 'failure' } & Failure)
  | {
      readonly kind: 'done'
      readonly subject: string
      readonly endings: Record<string, number>
      readonly heapBytesMost: number
    }

/** Enough for all modules and tables, and far from enough for an input that takes what its lengths promise. */
const heapMegabytesMax = 192
/** Without progress for so long an input hangs: none needs a hundredth of it. */
const stillMs = 30_000

export async function runTasks(tasks: readonly Task[], seed: number, patienceMs = stillMs): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'gongzheng-fuzz-'))
  try {
    return await runChild({ tasks, seed, noteFile: join(folder, 'input') }, patienceMs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runChild(order: Order, patienceMs: number): Promise<Report> {
  const failures: Failure[] = []
  const endings = new Map<string, Record<string, number>>()
  const heapBytes = new Map<string, number>()
  writeFileSync(order.noteFile, new Uint8Array(noteHeadBytes))
  const child = fork(new URL('./child.ts', import.meta.url), {
    execArgv: [`--max-old-space-size=${heapMegabytesMax}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const note = () => {
    const bytes = readFileSync(order.noteFile)
    const [count, task, run, length] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
    ]
    const input = bytes.subarray(noteHeadBytes, noteHeadBytes + length).toString('base64')
    return { count, subject: order.tasks[task]!.subject, run, input }
  }
  return new Promise((resolve) => {
    let seen = 0
    let reason: string | undefined
    let trouble = ''
    const watchdog = setInterval(() => {
      const { count } = note()
      // Before the first input the child is still reading its modules.
      if (count === seen && seen > 0) {
        reason = `no progress for ${patienceMs} ms`
        child.kill('SIGKILL')
      }
      seen = count
    }, patienceMs)
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      trouble = (trouble + text).slice(-8_000)
    })
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'failure') {
        const { kind: _, ...failure } = message
        failures.push(failure)
        return
      }
      endings.set(message.subject, message.endings)
      heapBytes.set(message.subject, message.heapBytesMost)
    })
    child.on('close', (code, signal) => {
      clearInterval(watchdog)
      if (code !== 0) {
        const { subject, run, input } = note()
        failures.push({ subject, run, input, detail: reason ?? `the process died (${signal ?? code}): ${trouble}` })
      }
      resolve({ failures, endings, heapBytes })
    })
    child.send(order)
  })
}

/** How to have this input again. */
export const replayOf = ({ subject, run }: Failure, seed: number): string =>
  `FUZZ_SEED=${seed} FUZZ_SUBJECT=${subject} FUZZ_RUN=${run} npm run fuzz`
