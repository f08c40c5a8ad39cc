/** The load generator in a process of its own, so that its work is not the nodes'. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadReport, LoadTask } from './load.ts'

/** `onWarm` is called when the measured part begins. */
export function load(task: LoadTask, onWarm: () => void = () => undefined): Promise<LoadReport> {
  const child = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), [], { execArgv: [] })
  child.send(task)
  return new Promise((resolve, reject) => {
    child.on('message', (message: 'warm' | LoadReport) => {
      if (message === 'warm') onWarm()
      else resolve(message)
    })
    child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)))
  })
}
