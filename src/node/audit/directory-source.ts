/** A directory that `export ledger` wrote, or a copy of one, as a source. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { NoAnswer, type Source, WrongAnswer } from './source.ts'

export class DirectorySource implements Source {
  readonly name: string

  constructor(directory: string) {
    this.name = directory
  }

  async get(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    let file: Awaited<ReturnType<typeof open>> | undefined
    try {
      // A question is for servers; a file has no choice of representations.
      const name = join(this.name, path.replace(/\?.*$/s, ''))
      // A named pipe is opened without waiting for its other end; nothing but a file has a size to hold against the bound.
      file = await open(name, constants.O_RDONLY | constants.O_NONBLOCK)
      const stats = await file.stat()
      if (!stats.isFile()) throw new NoAnswer(`${path} is not a file`)
      const { size } = stats
      if (size > bytesMax) throw new WrongAnswer(`${path} has more than ${bytesMax} bytes`)
      const bytes = new Uint8Array(size)
      const { bytesRead } = await file.read(bytes, 0, size, 0)
      return bytes.subarray(0, bytesRead)
    } catch (error) {
      if (error instanceof WrongAnswer || error instanceof NoAnswer) throw error
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new NoAnswer(message)
    } finally {
      await file?.close()
    }
  }
}
