/** The command line as a process: runs the command of its arguments and ends with its exit code. */
import { runCommand } from './program.ts'

// Whoever reads may have read enough (`| head -1`): the answer is still the exit code.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await runCommand(process.argv.slice(2))
if (process.connected) process.disconnect()
// Everything is closed by now. Should something still hold the process, it does so for no one.
setTimeout(() => process.exit(), 3_000).unref()
