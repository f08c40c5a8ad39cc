#!/usr/bin/env node
/**
 * The launcher. The command line is TypeScript that Node runs directly, which takes Node 24; where `gongzheng` was started with an older
 * one, the project's own `node` dependency runs this same file again, with the same arguments, streams and signals, and its exit code is
 * handed on. Plain JavaScript in the syntax of long ago, so that an old Node gets as far as saying what is needed.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const neededMajor = 24
const here = fileURLToPath(import.meta.url)

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  await import('../src/node/cli/main.ts')
} else {
  const newer = process.env.GONGZHENG_RELAUNCHED === undefined ? projectNode() : undefined
  if (newer === undefined) sayWhatIsNeeded()
  else relaunch(newer)
}

/** The npm package `node` beside this project's other dependencies, wherever npm has put it. */
function projectNode() {
  const candidates = []
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    candidates.push(join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node'))
  } catch {
    // Not installed, or not as a package: the link below may still be there.
  }
  candidates.push(join(dirname(dirname(here)), 'node_modules', '.bin', 'node'))
  return candidates.find((path) => existsSync(path))
}

/** @param {string} node */
function relaunch(node) {
  /** Whoever forked us talks to the command line through a channel; it is passed on message by message. @type {any[]} */
  const channel = process.send === undefined ? [] : ['ipc']
  const child = spawn(node, [here, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', ...channel],
    env: { ...process.env, GONGZHENG_RELAUNCHED: '1' },
  })
  // Ctrl-C reaches the child by itself; a second SIGINT is harmless there. This process lives until the child has ended.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const forward = signals.map((signal) => {
    const pass = () => child.kill(/** @type {NodeJS.Signals} */ (signal))
    process.on(signal, pass)
    return /** @type {const} */ ([signal, pass])
  })
  if (process.send !== undefined) {
    child.on('message', (message) => process.send?.(message))
    process.on('message', (message) => child.connected && child.send(/** @type {any} */ (message)))
    process.on('disconnect', () => child.connected && child.disconnect())
  }
  child.on('error', () => sayWhatIsNeeded())
  child.on('exit', (code, signal) => {
    for (const [name, pass] of forward) process.off(name, pass)
    if (process.connected) process.disconnect()
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}

function sayWhatIsNeeded() {
  const { version } = process
  process.stderr.write(
    `gongzheng 需要 Node.js ${neededMajor} 或更新的版本，现为 ${version}。请安装新版 Node.js，或在项目目录中运行 npm ci（会一并装入所需的 node）。\n` +
      `gongzheng needs Node.js ${neededMajor} or newer; this is ${version}. Install a newer Node.js, or run npm ci in the project, which brings one.\n`,
  )
  process.exitCode = 2
}
