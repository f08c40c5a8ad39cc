/** The process that `watch.ts` watches: notes each input in a file before it is judged, so that a death or a hang names it. */
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { holdSeed, inputOf, judge } from './campaign.ts'
import { planted } from './planted.ts'
import { type ChildMessage, noteHeadBytes, type Order, type Task } from './watch.ts'

const [{ tasks, seed, noteFile }] = (await once(process, 'message')) as [Order]
const subjects = tasks.every(({ subject }) => planted.some(({ name }) => name === subject))
  ? planted
  : (await import('./subjects.ts')).subjects
const note = openSync(noteFile, 'r+')
let count = 0
for (const task of tasks) await work(task)
// Servers that were built keep nothing open, but their timers do.
process.disconnect()
process.exit(0)

async function work(task: Task): Promise<void> {
  const subject = subjects.find(({ name }) => name === task.subject)!
  const given = task.inputs?.map((text) => new Uint8Array(Buffer.from(text, 'base64')))
  const seeds = given === undefined ? subject.seeds() : []
  const [from, to] = given === undefined ? [task.from, task.from + task.runs] : [0, given.length]
  const endings: Record<string, number> = {}
  let heapBytesMost = 0
  for (let run = from; run < to; run++) {
    const input = given?.[run] ?? inputOf(subject, seeds, seed, run)
    noteDown(task, run, input)
    try {
      const { word, heapBytes } = await judge(subject, input)
      holdSeed(subject, run, seeds.length, word)
      endings[word] = (endings[word] ?? 0) + 1
      heapBytesMost = Math.max(heapBytesMost, heapBytes)
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
      await say({ kind: 'failure', subject: subject.name, run, input: Buffer.from(input).toString('base64'), detail })
      if (task.stopsAtFirst) break
    }
  }
  await say({ kind: 'done', subject: subject.name, endings, heapBytesMost })
}

function noteDown(task: Task, run: number, input: Uint8Array): void {
  const bytes = Buffer.alloc(noteHeadBytes + input.length)
  count++
  for (const [at, value] of [count, tasks.indexOf(task), run, input.length].entries())
    bytes.writeUInt32LE(value, at * 4)
  bytes.set(input, noteHeadBytes)
  writeSync(note, bytes, 0, bytes.length, 0)
}

function say(message: ChildMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}
