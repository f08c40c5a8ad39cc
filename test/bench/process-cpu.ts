/** CPU time of a process and of its threads, as the kernel (Linux) counts it, for the benchmarks. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ of the kernel, fixed for programs. */
const clockTicksPerSecond = 100

/** Kinds of threads of a node: the loop; signature checks; compiling and collecting garbage; files and LevelDB. `all` counts every thread. */
export const threadKinds = ['all', 'main', 'verifier', 'v8', 'disk'] as const
export type CpuSeconds = Readonly<Record<(typeof threadKinds)[number], number>>

/** As Node 24 names them; LevelDB's own thread has the name of the one that started it. */
const kindsByThreadName: Readonly<Record<string, Exclude<keyof CpuSeconds, 'all'>>> = {
  MainThread: 'main',
  WorkerThread: 'verifier',
  V8Worker: 'v8',
  'libuv-worker': 'disk',
}

/** User and system time; of the threads only those that run now. */
export function cpuSeconds(pid: number): CpuSeconds {
  const seconds = { all: cpuOf(`/proc/${pid}/stat`), main: 0, verifier: 0, v8: 0, disk: 0 }
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim()
      const kind = kindsByThreadName[name]
      if (kind !== undefined) seconds[kind] += cpuOf(`/proc/${pid}/task/${thread}/stat`)
    } catch (error) {
      // It ended between the list and the reading.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return seconds
}

function cpuOf(path: string): number {
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}
